import StrictJSON

/// Values as text: printed as Python's `str` does it, and as JSON as its `json.dumps` does it.
extension TemplateEvaluator {
    mutating func printed(_ value: TemplateValue) throws(ChatTemplateError) -> String {
        switch value {
        case .undefined: return ""
        case .string(let text): return text
        default: return try represented(value)
        }
    }

    /// Python's `repr`.
    private mutating func represented(_ value: TemplateValue) throws(ChatTemplateError) -> String {
        try spend()
        switch value {
        case .undefined: return "Undefined"
        case .none: return "None"
        case .bool(let flag): return flag ? "True" : "False"
        case .int(let number): return "\(number)"
        case .float(let number): return TemplateNumbers.text(number)
        case .string(let text): return Self.quoted(text)
        case .list(let list):
            let items = try joined(list.items.map { (nil, $0) }) { evaluator, _, item throws(ChatTemplateError) in
                try evaluator.represented(item)
            }
            if list.isTuple { return "(" + items + (list.items.count == 1 ? ",)" : ")") }
            return "[" + items + "]"
        case .dict(let dict):
            let members = try joined(dict.members.map { ($0.key, $0.value) }) { evaluator, key, item throws(ChatTemplateError) in
                Self.quoted(key ?? "") + ": " + (try evaluator.represented(item))
            }
            return "{" + members + "}"
        case .namespace, .loop, .macro, .function: throw fault("\(value.kind) cannot be written")
        }
    }

    private mutating func joined(
        _ items: [(String?, TemplateValue)],
        _ write: (inout TemplateEvaluator, String?, TemplateValue) throws(ChatTemplateError) -> String
    ) throws(ChatTemplateError) -> String {
        var text = ""
        for (index, item) in items.enumerated() {
            text += (index == 0 ? "" : ", ") + (try write(&self, item.0, item.1))
            try checkBytes(text.utf8.count)
        }
        return text
    }

    private static func quoted(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        return "\(quote)" + scalars.map { escaped($0, quote) }.joined() + "\(quote)"
    }

    private static func escaped(_ scalar: Unicode.Scalar, _ quote: Unicode.Scalar) -> String {
        switch scalar {
        case "\\": return "\\\\"
        case quote: return "\\\(quote)"
        case "\n": return "\\n"
        case "\t": return "\\t"
        case "\r": return "\\r"
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate: return hex(scalar.value)
        case .spaceSeparator: return scalar == " " ? " " : hex(scalar.value)
        default: return String(scalar)
        }
    }

    private static func hex(_ value: UInt32) -> String {
        if value < 0x100 { return "\\x" + padded(value, 2) }
        return value < 0x1_0000 ? "\\u" + padded(value, 4) : "\\U" + padded(value, 8)
    }

    private static func padded(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    // MARK: JSON

    /// `indent` puts each member on a line of its own.
    mutating func json(_ value: TemplateValue, indent: String? = nil, sorted: Bool = false, level: Int = 0) throws(ChatTemplateError)
        -> String
    {
        try spend()
        switch value {
        case .none: return "null"
        case .bool(let flag): return flag ? "true" : "false"
        case .int(let number): return "\(number)"
        case .float(let number): return TemplateNumbers.text(number, json: true)
        case .string(let text): return Self.jsonString(text)
        case .list(let list):
            return try enclosed("[", list.items.map { (nil, $0) }, "]", indent, sorted, level)
        case .dict(let dict):
            var members: [(String?, TemplateValue)] = dict.members.map { ($0.key, $0.value) }
            if sorted { members.sort { ($0.0 ?? "").unicodeScalars.lexicographicallyPrecedes(($1.0 ?? "").unicodeScalars) } }
            return try enclosed("{", members, "}", indent, sorted, level)
        case .undefined, .namespace, .loop, .macro, .function: throw fault("\(value.kind) has no JSON form")
        }
    }

    private mutating func enclosed(
        _ open: String, _ items: [(String?, TemplateValue)], _ close: String, _ indent: String?, _ sorted: Bool, _ level: Int
    ) throws(ChatTemplateError) -> String {
        if items.isEmpty { return open + close }
        let line = indent.map { "\n" + String(repeating: $0, count: level + 1) }
        var text = open
        for (index, item) in items.enumerated() {
            text += index == 0 ? line ?? "" : line.map { "," + $0 } ?? ", "
            if let key = item.0 { text += Self.jsonString(key) + ": " }
            text += try json(item.1, indent: indent, sorted: sorted, level: level + 1)
            try checkBytes(text.utf8.count)
        }
        return text + (indent.map { "\n" + String(repeating: $0, count: level) } ?? "") + close
    }

    private static func jsonString(_ text: String) -> String {
        let short: [Unicode.Scalar: String] = [
            "\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{8}": "\\b", "\u{C}": "\\f",
        ]
        return "\""
            + text.unicodeScalars.map { scalar in
                short[scalar] ?? (scalar.value < 0x20 ? "\\u" + padded(scalar.value, 4) : String(scalar))
            }.joined() + "\""
    }
}
