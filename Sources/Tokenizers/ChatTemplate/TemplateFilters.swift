/// Filters: `value | name(arguments)`.
enum TemplateFilters {
    typealias Filter =
        @Sendable (TemplateValue, TemplateGiven, inout TemplateEvaluator) throws(ChatTemplateError) -> TemplateValue

    static let names = Set(all.keys)

    static func apply(
        _ name: String, to value: TemplateValue, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        guard let filter = all[name] else { throw evaluator.fault("unknown filter \(Quoted.text(name))") }
        return try filter(value, given, &evaluator)
    }

    private static let all: [String: Filter] = texts.merging(lists) { $1 }.merging(values) { $1 }.merging(choices) { $1 }

    /// A filter of the printed value.
    private static func text(_ change: @escaping @Sendable (String, TemplateGiven) -> String) -> Filter {
        { value, given, evaluator throws(ChatTemplateError) in
            let text = try evaluator.printed(value)
            try evaluator.spend(text.utf8.count / 8)
            return try evaluator.checked(change(text, given))
        }
    }

    /// A filter of the value's items.
    private static func items(
        _ work: @escaping @Sendable ([TemplateValue], TemplateGiven, inout TemplateEvaluator) throws(ChatTemplateError) -> TemplateValue
    ) -> Filter {
        { value, given, evaluator throws(ChatTemplateError) in try work(evaluator.items(value), given, &evaluator) }
    }

    private static let texts: [String: Filter] = [
        "trim": text { text, given in TemplateText.trimmed(text, given.string(0, "chars")) },
        "upper": text { text, _ in text.uppercased() },
        "lower": text { text, _ in text.lowercased() },
        "capitalize": text { text, _ in TemplateText.capitalized(text) },
        "title": text { text, _ in TemplateText.titled(text) { TemplateText.isSpace($0) || "-([{<".unicodeScalars.contains($0) } },
        "string": text { text, _ in text },
        "safe": text { text, _ in text },
        "escape": text { text, _ in TemplateText.escaped(text) },
        "e": text { text, _ in TemplateText.escaped(text) },
        "wordcount": { value, _, evaluator throws(ChatTemplateError) in .int(TemplateText.words(try evaluator.printed(value)).count) },
        "replace": { value, given, evaluator throws(ChatTemplateError) in
            try TemplateMethods.call("replace", of: evaluator.printed(value), given, &evaluator)
        },
        "indent": { value, given, evaluator throws(ChatTemplateError) in
            let width = given.string(0, "width") ?? String(repeating: " ", count: min(max(0, given.value(0, "width")?.integer ?? 4), 1000))
            let text = try evaluator.printed(value)
            try evaluator.checkBytes(text.utf8.count + width.utf8.count * (1 + text.utf8.count { $0 == 0x0A }))
            return .string(TemplateText.indented(text, by: width, first: given.flag(1, "first"), blank: given.flag(2, "blank")))
        },
    ]

    private static let lists: [String: Filter] = [
        "first": items { items, _, _ in items.first ?? .undefined("first") },
        "last": items { items, _, _ in items.last ?? .undefined("last") },
        "list": items { items, _, evaluator throws(ChatTemplateError) in try evaluator.list(items) },
        "join": items { items, given, evaluator throws(ChatTemplateError) in try joined(items, given, &evaluator) },
        "unique": items { items, _, evaluator throws(ChatTemplateError) in
            var kept: [TemplateValue] = []
            for item in items where try !evaluator.contains(.list(TemplateList(kept)), item) { kept.append(item) }
            return try evaluator.list(kept)
        },
        "sort": items { items, given, evaluator throws(ChatTemplateError) in
            try evaluator.list(sorted(items, given.string(2, "attribute"), reverse: given.flag(0, "reverse"), &evaluator))
        },
        "min": items { items, _, evaluator throws(ChatTemplateError) in
            try sorted(items, nil, reverse: false, &evaluator).first ?? .undefined("min")
        },
        "max": items { items, _, evaluator throws(ChatTemplateError) in
            try sorted(items, nil, reverse: true, &evaluator).first ?? .undefined("max")
        },
        "sum": items { items, given, evaluator throws(ChatTemplateError) in
            var sum = TemplateValue.int(0)
            for item in items { sum = try evaluator.sum(sum, attribute(given.string(0, "attribute"), item, &evaluator)) }
            return sum
        },
        "items": { value, _, evaluator throws(ChatTemplateError) in
            if value.isUndefined { return try evaluator.list([]) }
            guard case .dict(let dict) = value else { throw evaluator.fault("'items' needs a dictionary, not \(value.kind)") }
            return try TemplateMethods.call("items", of: dict, TemplateGiven(), &evaluator)
        },
        "dictsort": { value, _, evaluator throws(ChatTemplateError) in
            guard case .dict(let dict) = value else { throw evaluator.fault("'dictsort' needs a dictionary, not \(value.kind)") }
            try evaluator.spend(dict.members.count * 8)
            let members = dict.members.sorted {
                $0.key.lowercased().unicodeScalars.lexicographicallyPrecedes($1.key.lowercased().unicodeScalars)
            }
            return try evaluator.list(members.map { .list(TemplateList([.string($0.key), $0.value], isTuple: true)) })
        },
        "reverse": { value, _, evaluator throws(ChatTemplateError) in
            let items = try Array(evaluator.items(value).reversed())
            guard case .string = value else { return try evaluator.list(items) }
            return .string(try joined(items, "", nil, &evaluator))
        },
    ]

    private static let values: [String: Filter] = [
        "length": { value, _, evaluator throws(ChatTemplateError) in .int(try count(value, evaluator)) },
        "count": { value, _, evaluator throws(ChatTemplateError) in .int(try count(value, evaluator)) },
        "default": { value, given, _ in standard(value, given) },
        "d": { value, given, _ in standard(value, given) },
        "attr": { value, given, evaluator throws(ChatTemplateError) in try evaluator.attribute(given.string(0, "name") ?? "", of: value) },
        "abs": { value, _, evaluator throws(ChatTemplateError) in
            if let number = value.integer, number != .min { return .int(abs(number)) }
            guard let number = value.number else { throw evaluator.fault("'abs' needs a number, not \(value.kind)") }
            return .float(abs(number))
        },
        "round": { value, given, evaluator throws(ChatTemplateError) in
            guard let number = value.number, let digits = given.value(0, "precision")?.integer ?? .some(0), abs(digits) < 300 else {
                throw evaluator.fault("'round' needs a number, not \(value.kind)")
            }
            let scale = TemplateNumbers.power(10, Double(digits))
            return .float((number * scale).rounded(.toNearestOrEven) / scale)
        },
        "int": { value, given, _ in .int(integer(value) ?? given.value(0, "default")?.integer ?? 0) },
        "float": { value, given, _ in
            if case .string(let text) = value {
                return .float(Double(TemplateText.trimmed(text, nil)) ?? given.value(0, "default")?.number ?? 0)
            }
            return .float(value.number ?? given.value(0, "default")?.number ?? 0)
        },
        "tojson": { value, given, evaluator throws(ChatTemplateError) in
            let width = given.value(1, "indent") ?? given.value(0, "indent")
            let spaces = width?.integer.map { String(repeating: " ", count: min(max(0, $0), 100)) } ?? given.string(0, "indent")
            return .string(
                try evaluator.json(value, indent: spaces, sorted: given.named.first { $0.name == "sort_keys" }?.value.isTrue ?? false))
        },
    ]

    private static let choices: [String: Filter] = [
        "map": items { items, given, evaluator throws(ChatTemplateError) in
            var mapped: [TemplateValue] = []
            for item in items { mapped.append(try map(item, given, &evaluator)) }
            return try evaluator.list(mapped)
        },
        "select": items { items, given, evaluator throws(ChatTemplateError) in
            try chosen(items, nil, given, keeps: true, &evaluator)
        },
        "reject": items { items, given, evaluator throws(ChatTemplateError) in
            try chosen(items, nil, given, keeps: false, &evaluator)
        },
        "selectattr": items { items, given, evaluator throws(ChatTemplateError) in
            try chosen(items, given.string(0, "attribute") ?? "", given.rest, keeps: true, &evaluator)
        },
        "rejectattr": items { items, given, evaluator throws(ChatTemplateError) in
            try chosen(items, given.string(0, "attribute") ?? "", given.rest, keeps: false, &evaluator)
        },
    ]
}

/// What the filters have in common.
extension TemplateFilters {
    static func standard(_ value: TemplateValue, _ given: TemplateGiven) -> TemplateValue {
        let isMissing = given.flag(1, "boolean") ? !value.isTrue : value.isUndefined
        return isMissing ? given.value(0, "default_value") ?? .string("") : value
    }

    static func count(_ value: TemplateValue, _ evaluator: TemplateEvaluator) throws(ChatTemplateError) -> Int {
        switch value {
        case .undefined: return 0
        case .string(let text): return text.unicodeScalars.count
        case .list(let list): return list.items.count
        case .dict(let dict): return dict.members.count
        default: throw evaluator.fault("\(value.kind) has no length")
        }
    }

    static func integer(_ value: TemplateValue) -> Int? {
        if case .string(let text) = value {
            let text = TemplateText.trimmed(text, nil)
            return Int(text) ?? Double(text).flatMap { Int(exactly: $0.rounded(.towardZero)) }
        }
        return value.integer ?? value.number.flatMap { Int(exactly: $0.rounded(.towardZero)) }
    }

    /// A member by its path, such as `function.name`; the value itself without one.
    static func attribute(_ path: String?, _ value: TemplateValue, _ evaluator: inout TemplateEvaluator) throws(ChatTemplateError)
        -> TemplateValue
    {
        guard let path else { return value }
        var value = value
        for name in path.split(separator: ".") {
            try evaluator.spend()
            if case .dict(let dict) = value, let member = dict[String(name)] {
                value = member
            } else {
                value = try evaluator.attribute(String(name), of: value)
            }
        }
        return value
    }

    static func joined(
        _ items: [TemplateValue], _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        .string(try joined(items, try evaluator.printed(given.value(0, "d") ?? .string("")), given.string(1, "attribute"), &evaluator))
    }

    static func joined(
        _ items: [TemplateValue], _ separator: String, _ path: String?, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> String {
        var text = ""
        for (index, item) in items.enumerated() {
            if index > 0 { text += separator }
            text += try evaluator.printed(attribute(path, item, &evaluator))
            if text.utf8.count > TemplateLimit.bytes { try evaluator.checkBytes(text.utf8.count) }
        }
        try evaluator.checkBytes(text.utf8.count)
        return text
    }

    /// Merge sort, stable as Python's; strings without regard to case, as in Jinja.
    static func sorted(
        _ items: [TemplateValue], _ path: String?, reverse: Bool, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> [TemplateValue] {
        var keyed: [(key: TemplateValue, value: TemplateValue)] = []
        for item in items {
            let key = try attribute(path, item, &evaluator)
            if case .string(let text) = key { keyed.append((.string(text.lowercased()), item)) } else { keyed.append((key, item)) }
        }
        return try merged(keyed, reverse, &evaluator).map(\.value)
    }

    private static func merged(
        _ items: [(key: TemplateValue, value: TemplateValue)], _ reverse: Bool, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> [(key: TemplateValue, value: TemplateValue)] {
        if items.count < 2 { return items }
        let left = try merged(Array(items.prefix(items.count / 2)), reverse, &evaluator)
        let right = try merged(Array(items.dropFirst(items.count / 2)), reverse, &evaluator)
        var (result, at, other) = ([(key: TemplateValue, value: TemplateValue)](), 0, 0)
        while at < left.count, other < right.count {
            let (a, b) = (left[at], right[other])
            let isRightFirst = reverse ? try evaluator.isLess(a.key, b.key) : try evaluator.isLess(b.key, a.key)
            result.append(isRightFirst ? b : a)
            if isRightFirst { other += 1 } else { at += 1 }
        }
        return result + left[at...] + right[other...]
    }

    /// `map('upper')`, `map(attribute='name')`.
    static func map(_ item: TemplateValue, _ given: TemplateGiven, _ evaluator: inout TemplateEvaluator) throws(ChatTemplateError)
        -> TemplateValue
    {
        try evaluator.spend()
        if let path = given.named.first(where: { $0.name == "attribute" })?.value, case .string(let path) = path {
            let value = try attribute(path, item, &evaluator)
            return value.isUndefined ? given.named.first { $0.name == "default" }?.value ?? value : value
        }
        guard case .string(let name)? = given[0] else { throw evaluator.fault("'map' needs the name of a filter, or attribute=") }
        return try apply(name, to: item, given.rest, &evaluator)
    }

    /// Items, or items with a member, of which a test holds; without a test, those that are true.
    static func chosen(
        _ items: [TemplateValue], _ path: String?, _ given: TemplateGiven, keeps: Bool, _ evaluator: inout TemplateEvaluator
    ) throws(ChatTemplateError) -> TemplateValue {
        var kept: [TemplateValue] = []
        for item in items {
            try evaluator.spend()
            let value = try attribute(path, item, &evaluator)
            let name = given.string(0, "")
            let holds =
                try name.map { name throws(ChatTemplateError) in try TemplateTests.holds(name, value, given.rest, &evaluator) }
                ?? value.isTrue
            if holds == keeps { kept.append(item) }
        }
        return try evaluator.list(kept)
    }
}
