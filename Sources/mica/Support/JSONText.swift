/// JSON to print. Everything outside printable ASCII is escaped, so that a terminal can show it and any parser read it.
enum JSONText {
    case object([(String, JSONText)])
    case array([JSONText])
    case string(String)
    case integer(Int)
    /// NaN and infinities, which JSON does not have, are null.
    case number(Double)
    case bool(Bool)
    case null

    static func optional(_ text: String?) -> JSONText { text.map { .string($0) } ?? .null }

    /// On one line.
    var line: String {
        switch self {
        case .object(let members): "{" + members.map { "\(JSONText.quoted($0.0)): \($0.1.line)" }.joined(separator: ", ") + "}"
        case .array(let items): "[" + items.map(\.line).joined(separator: ", ") + "]"
        case .string(let text): JSONText.quoted(text)
        case .integer(let value): String(value)
        case .number(let value): value.isFinite ? "\(value)" : "null"
        case .bool(let flag): flag ? "true" : "false"
        case .null: "null"
        }
    }

    /// Members of the outermost object, and items of its arrays, on lines of their own.
    var lines: String {
        guard case .object(let members) = self else { return line }
        let texts = members.map { key, value in
            guard case .array(let items) = value, !items.isEmpty else { return "  \(JSONText.quoted(key)): \(value.line)" }
            return "  \(JSONText.quoted(key)): [\n" + items.map { "    " + $0.line }.joined(separator: ",\n") + "\n  ]"
        }
        return "{\n" + texts.joined(separator: ",\n") + "\n}"
    }

    static func quoted(_ text: String) -> String {
        var result = "\""
        for unit in text.utf16 {
            switch unit {
            case 0x22: result += "\\\""
            case 0x5C: result += "\\\\"
            case 0x20..<0x7F: result.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            default: result += "\\u" + String(repeating: "0", count: 4 - String(unit, radix: 16).count) + String(unit, radix: 16)
            }
        }
        return result + "\""
    }
}
