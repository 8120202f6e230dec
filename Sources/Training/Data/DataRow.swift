import StrictJSON

/// One line of a .jsonl file, with what its errors need.
struct DataRow {
    let object: JSONObject
    let file: String
    let line: Int

    /// Data sets have as many kinds as these; the first whose keys are all there is it.
    private static let keys: [(kind: DataKind, keys: [String])] = [
        (.tokens, ["input_ids"]), (.messages, ["messages"]), (.preference, ["prompt", "chosen", "rejected"]),
        (.completion, ["prompt", "completion"]), (.text, ["text"]),
    ]

    init(_ bytes: [UInt8], file: String, line: Int) throws(DataError) {
        self.file = file
        self.line = line
        try UTF8Check.check(bytes, file, line: line)
        let value: JSONValue
        do { value = try StrictJSON.parse(bytes) } catch {
            throw DataError(file, line: line, "not JSON: column \(error.column): \(error.rule)", next: "Give one JSON object a line.")
        }
        guard let object = value.object else {
            throw DataError(file, line: line, "must be a JSON object, is \(value.kind)", next: "Give one JSON object a line.")
        }
        self.object = object
    }

    func error(_ rule: String, next remedy: String = "Correct the row, or take it out.") -> DataError {
        DataError(file, line: line, rule, next: remedy)
    }

    func kind() throws(DataError) -> DataKind {
        if let known = Self.keys.first(where: { $0.keys.allSatisfy { object[$0] != nil } }) { return known.kind }
        let found =
            object.members.isEmpty
            ? "none" : object.members.prefix(8).map { "'\(JSONError.excerpt($0.key, limit: 40))'" }.joined(separator: ", ")
        let wanted = Self.keys.map { $0.keys.joined(separator: "+") }.joined(separator: ", ")
        throw error("has none of the keys \(wanted); its keys: \(found)", next: "Name the keys as one of these.")
    }

    private func value(_ key: String) throws(DataError) -> JSONValue {
        guard let value = object[key] else {
            throw error("'\(key)' is missing, as the rows before have it", next: "Give all rows the keys of the first.")
        }
        return value
    }

    func string(_ key: String) throws(DataError) -> String {
        let value = try value(key)
        guard let text = value.string else { throw error("'\(key)' must be a string, is \(value.kind)") }
        return text
    }

    func array(_ key: String) throws(DataError) -> [JSONValue] {
        let value = try value(key)
        guard let values = value.array else { throw error("'\(key)' must be an array, is \(value.kind)") }
        return values
    }

    /// Whole numbers of 32 bits, each accepted by `rule`.
    func ids(_ key: String, where accepts: (Int32) -> Bool, _ rule: String) throws(DataError) -> [Int32] {
        var ids: [Int32] = []
        for (index, value) in try array(key).enumerated() {
            guard let number = value.integer.flatMap(Int32.init(exactly:)), accepts(number) else {
                let shown = value.number.map { JSONError.excerpt($0.literal, limit: 40) } ?? value.kind
                throw error("\(key)[\(index)] must be \(rule), is \(shown)")
            }
            ids.append(number)
        }
        return ids
    }
}
