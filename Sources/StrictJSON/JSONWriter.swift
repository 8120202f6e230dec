/// JSON that we write: on one line, members in the order given, everything outside printable ASCII escaped.
extension JSONValue {
    package static func object(_ members: [(String, JSONValue)]) -> JSONValue {
        let members = members.map { (key: $0.0, value: $0.1) }
        return .object(JSONObject(members: members, index: JSONObject.index(of: members)))
    }

    package static func integer(_ value: Int) -> JSONValue { .number(JSONNumber(literal: String(value))) }

    /// The shortest digits that give the same double again; NaN and infinities, which JSON does not have, are null.
    package static func real(_ value: Double) -> JSONValue { value.isFinite ? .number(JSONNumber(literal: "\(value)")) : .null }

    package var line: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let number): number.literal
        case .string(let text): JSONValue.quoted(text)
        case .array(let items): "[" + items.map(\.line).joined(separator: ", ") + "]"
        case .object(let object): "{" + object.members.map { "\(JSONValue.quoted($0.key)): \($0.value.line)" }.joined(separator: ", ") + "}"
        }
    }

    package static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    /// Members of the outermost object, and items of its arrays, on lines of their own.
    package var lines: String {
        guard case .object(let object) = self else { return line }
        let texts = object.members.map { key, value in
            guard case .array(let items) = value, !items.isEmpty else { return "  \(JSONValue.quoted(key)): \(value.line)" }
            return "  \(JSONValue.quoted(key)): [\n" + items.map { "    " + $0.line }.joined(separator: ",\n") + "\n  ]"
        }
        return "{\n" + texts.joined(separator: ",\n") + "\n}"
    }

    private static func quoted(_ text: String) -> String {
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
