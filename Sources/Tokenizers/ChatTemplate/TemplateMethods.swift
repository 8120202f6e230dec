/// Methods of Python's strings and dictionaries; those that would change a value are left out, as in Jinja's immutable sandbox.
enum TemplateMethods {
    static let ofDict: Set<String> = ["items", "keys", "values", "get"]
    static let ofString: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "startswith", "endswith", "upper", "lower", "capitalize", "title",
        "replace", "join", "find", "count", "isdigit", "isspace", "removeprefix", "removesuffix",
    ]

    static func call(
        _ name: String, of dict: TemplateDict, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        switch name {
        case "get":
            guard case .string(let key)? = given[0] else { throw evaluator.fault("'get' needs a key") }
            return dict[key] ?? given.value(1, "default") ?? .none
        case "keys": return try evaluator.list(dict.members.map { .string($0.key) })
        case "values": return try evaluator.list(dict.members.map(\.value))
        default:
            try evaluator.checkDepth(dict.depth + 1)
            return try evaluator.list(dict.members.map { .list(TemplateList([.string($0.key), $0.value], isTuple: true)) })
        }
    }

    static func call(
        _ name: String, of text: String, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        try evaluator.spend(text.utf8.count / 8)
        switch name {
        case "strip": return .string(TemplateText.trimmed(text, given.string(0, "")))
        case "lstrip": return .string(TemplateText.trimmed(text, given.string(0, ""), right: false))
        case "rstrip": return .string(TemplateText.trimmed(text, given.string(0, ""), left: false))
        case "upper": return try evaluator.checked(text.uppercased())
        case "lower": return try evaluator.checked(text.lowercased())
        case "capitalize": return try evaluator.checked(TemplateText.capitalized(text))
        case "title": return try evaluator.checked(TemplateText.titled(text) { !$0.properties.isAlphabetic })
        case "join": return .string(try TemplateFilters.joined(evaluator.items(given[0] ?? .none), text, nil, &evaluator))
        case "isdigit": return .bool(!text.isEmpty && text.unicodeScalars.allSatisfy { $0.properties.numericType == .decimal })
        case "isspace": return .bool(!text.isEmpty && text.unicodeScalars.allSatisfy(TemplateText.isSpace))
        case "split", "rsplit", "splitlines": return try split(name, text, given, &evaluator)
        default: return try search(name, text, given, &evaluator)
        }
    }

    private static func search(
        _ name: String, _ text: String, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        guard ofString.contains(name) else { throw evaluator.fault("a string has no method \(Quoted.text(name)) here") }
        if name == "startswith" || name == "endswith" { return try .bool(borders(name, text, given, &evaluator)) }
        guard let part = given.string(0, "old") else { throw evaluator.fault("'\(name)' needs a string") }
        switch name {
        case "replace": return try replaced(text, part, given, &evaluator)
        case "count": return .int(part.isEmpty ? text.unicodeScalars.count + 1 : TemplateText.ranges(of: part, in: text).count)
        case "find":
            if part.isEmpty { return .int(0) }
            let found = TemplateText.ranges(of: part, in: text, limit: 1).first
            return .int(found.map { text.unicodeScalars.distance(from: text.startIndex, to: $0.lowerBound) } ?? -1)
        case "removeprefix": return .string(text.utf8.starts(with: part.utf8) ? String(text.utf8.dropFirst(part.utf8.count)) ?? text : text)
        default: return .string(ends(text, part) ? String(text.utf8.dropLast(part.utf8.count)) ?? text : text)
        }
    }

    private static func ends(_ text: String, _ part: String) -> Bool { text.utf8.suffix(part.utf8.count).elementsEqual(part.utf8) }

    /// One string, or several of which one is enough.
    private static func borders(
        _ name: String, _ text: String, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> Bool {
        guard let value = given[0] else { throw evaluator.fault("'\(name)' needs a string") }
        let candidates = if case .list(let list) = value { list.items } else { [value] }
        for candidate in candidates {
            guard case .string(let part) = candidate else { throw evaluator.fault("'\(name)' needs a string, not \(candidate.kind)") }
            if name == "startswith" ? text.utf8.starts(with: part.utf8) : ends(text, part) { return true }
        }
        return false
    }

    private static func replaced(
        _ text: String, _ part: String, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        let new = try evaluator.printed(given.value(1, "new") ?? .string(""))
        let limit = given.value(2, "count")?.integer ?? -1
        var parts: [String]
        if part.isEmpty {
            parts = [""] + text.unicodeScalars.map { String($0) } + [""]
        } else {
            parts = TemplateText.parts(of: text, at: TemplateText.ranges(of: part, in: text, limit: limit < 0 ? .max : limit))
        }
        let (grown, overflow) = new.utf8.count.multipliedReportingOverflow(by: parts.count)
        try evaluator.checkBytes(overflow ? .max : max(grown - part.utf8.count * parts.count, 0) + text.utf8.count)
        return .string(parts.joined(separator: new))
    }

    private static func split(
        _ name: String, _ text: String, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        if name == "splitlines" {
            let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
            let kept = lines.last == "" ? lines.dropLast() : lines[...]
            return try evaluator.list(kept.map { .string($0.utf8.last == 0x0D ? String($0.unicodeScalars.dropLast()) : $0) })
        }
        let given = (part: given.string(0, "sep"), limit: given.value(1, "maxsplit")?.integer ?? -1)
        let limit = given.limit < 0 ? Int.max : given.limit
        guard let part = given.part else { return try evaluator.list(TemplateText.words(text, limit: limit).map { .string($0) }) }
        if part.isEmpty { throw evaluator.fault("'\(name)' needs a string that is not empty") }
        let ranges = TemplateText.ranges(of: part, in: text)
        let cuts = name == "split" ? ranges.prefix(limit) : ranges.suffix(limit)
        return try evaluator.list(TemplateText.parts(of: text, at: Array(cuts)).map { .string($0) })
    }
}
