import StrictJSON

/// One object of tokenizer.json with the way to it, so that every wrong value can be named.
struct Section {
    let object: JSONObject
    /// Where it stands, such as `pre_tokenizer.pretokenizers[0]`; empty at the top of the file.
    let path: String
    let file: String

    private static let longestPath = 100

    /// Sections deeper than this are refused: no published tokenizer nests more than three.
    static let maximumDepth = 32

    init(_ value: JSONValue, path: String, file: String) throws(TokenizerError) {
        guard let object = value.object else {
            let name = path.isEmpty ? "the file" : path
            throw TokenizerError(file: file, rule: "\(name) must be a JSON object, is \(value.kind)", remedy: TokenizerError.downloadAgain)
        }
        self.object = object
        self.path = path.utf8.count <= Self.longestPath ? path : "…" + path.suffix(Self.longestPath)
        self.file = file
    }

    /// The member, with `null` read as missing.
    subscript(_ key: String) -> JSONValue? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    /// The name of a member in messages.
    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    func error(_ rule: String, _ remedy: String = TokenizerError.downloadAgain) -> TokenizerError {
        TokenizerError(file: file, rule: rule, remedy: remedy)
    }

    private func wrong(_ key: String, _ wanted: String, _ value: JSONValue) -> TokenizerError {
        error("\(name(key)) must be \(wanted), is \(Self.shown(value))")
    }

    /// A value as a message shows it.
    static func shown(_ value: JSONValue) -> String {
        switch value {
        case .string(let text): Quoted.text(text)
        case .number(let number): Quoted.plain(String(number.literal.prefix(Quoted.limit)))
        case .bool(let flag): "\(flag)"
        default: value.kind
        }
    }

    func string(_ key: String) throws(TokenizerError) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = value.string else { throw wrong(key, "a string", value) }
        return text
    }

    func requiredString(_ key: String) throws(TokenizerError) -> String {
        guard let text = try string(key) else { throw error("\(name(key)) is missing, it must be a string") }
        return text
    }

    func flag(_ key: String, default standard: Bool) throws(TokenizerError) -> Bool {
        guard let value = self[key] else { return standard }
        guard let flag = value.bool else { throw wrong(key, "true or false", value) }
        return flag
    }

    /// A whole number within `range`.
    func integer(_ key: String, in range: ClosedRange<Int>) throws(TokenizerError) -> Int? {
        guard let value = self[key] else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw wrong(key, "a whole number from \(range.lowerBound) to \(range.upperBound)", value)
        }
        return number
    }

    func array(_ key: String) throws(TokenizerError) -> [JSONValue]? {
        guard let value = self[key] else { return nil }
        guard let values = value.array else { throw wrong(key, "an array", value) }
        return values
    }

    /// The object under `key`, if there is one.
    func section(_ key: String) throws(TokenizerError) -> Section? {
        guard let value = self[key] else { return nil }
        return try Section(value, path: name(key), file: file)
    }

    /// The objects of the array under `key`.
    func sections(_ key: String) throws(TokenizerError) -> [Section] {
        guard let values = try array(key) else { throw error("\(name(key)) is missing, it must be an array") }
        var sections: [Section] = []
        for (index, value) in values.enumerated() {
            sections.append(try Section(value, path: "\(name(key))[\(index)]", file: file))
        }
        return sections
    }

    /// What `type` says this section is.
    func kind() throws(TokenizerError) -> String { try requiredString("type") }

    /// The kind of a section is none that is known here.
    func unsupported(_ what: String, _ kind: String, known: String) -> TokenizerError {
        error("\(what) type \(Quoted.text(kind)) unsupported (supported: \(known))", "Open a model with another tokenizer.")
    }
}
