import Checkpoints
import StrictJSON

/// Reads config.json for one architecture: every getter checks type and range and remembers its key; `finish` refuses a key that
/// nobody asked for, since it may change what the model computes.
///
///     var settings = SettingsReader(config, for: "llama")
///     let hidden = try settings.positiveInt("hidden_size", aliases: ["n_embd"])
///     let eps = try settings.positiveReal("rms_norm_eps", default: 1e-6)
///     try settings.finish(vocabulary: vocabulary, ignoring: ["pretraining_tp"])
package struct SettingsReader {
    package let config: ConfigFile
    package let architecture: String
    /// What is odd but harmless, for `mica info`.
    package internal(set) var notes: [String] = []
    /// Stands before the keys in messages: `rope_scaling.`.
    private let prefix: String
    private let object: JSONObject
    private var read: Set<UTF8Key> = []
    /// The positive integers that were read, to name the one that asks for too much.
    private(set) var sizes: [(key: String, value: Int)] = []

    package init(_ config: ConfigFile, for architecture: String) {
        self.init(config, architecture, config.object, prefix: "")
    }

    private init(_ config: ConfigFile, _ architecture: String, _ object: JSONObject, prefix: String) {
        self.config = config
        self.architecture = architecture
        self.object = object
        self.prefix = prefix
    }

    // MARK: numbers

    package mutating func positiveInt(_ key: String, aliases: [String] = []) throws(CheckpointError) -> Int {
        guard let value = try optionalPositiveInt(key, aliases: aliases) else { throw missing(key, aliases) }
        return value
    }

    package mutating func optionalPositiveInt(_ key: String, aliases: [String] = []) throws(CheckpointError) -> Int? {
        guard let (key, value) = try find(key, aliases) else { return nil }
        guard let integer = value.integer, integer > 0 else { throw fault("\(key) must be a positive integer, is \(said(value))") }
        try checkRange(of: key, integer)
        sizes.append((key, integer))
        return integer
    }

    package mutating func positiveReal(
        _ key: String, aliases: [String] = [], default fallback: Double? = nil
    ) throws(CheckpointError) -> Double {
        guard let value = try optionalPositiveReal(key, aliases: aliases) ?? fallback else { throw missing(key, aliases) }
        return value
    }

    package mutating func optionalPositiveReal(_ key: String, aliases: [String] = []) throws(CheckpointError) -> Double? {
        guard let (key, value) = try find(key, aliases) else { return nil }
        let real = try real(key, value)
        guard real > 0 else { throw fault("\(key) must be > 0, is \(said(value))") }
        return real
    }

    package mutating func optionalReal(_ key: String, aliases: [String] = []) throws(CheckpointError) -> Double? {
        guard let (key, value) = try find(key, aliases) else { return nil }
        return try real(key, value)
    }

    private func real(_ key: String, _ value: JSONValue) throws(CheckpointError) -> Double {
        guard let number = value.number else { throw fault("\(key) must be a number, is \(said(value))") }
        guard number.double.isFinite else { throw fault("\(key) is out of range: \(said(value))") }
        return number.double
    }

    /// Whether the file has none of the keys, not even with null.
    package func isAbsent(_ keys: String...) -> Bool { keys.allSatisfy { object[$0] == nil } }

    // MARK: words

    package mutating func bool(_ key: String, aliases: [String] = [], default fallback: Bool? = nil) throws(CheckpointError) -> Bool {
        guard let (key, value) = try find(key, aliases) else {
            if let fallback { return fallback }
            throw missing(key, aliases)
        }
        guard let flag = value.bool else { throw fault("\(key) must be true or false, is \(said(value))") }
        return flag
    }

    package mutating func optionalString(_ key: String, aliases: [String] = []) throws(CheckpointError) -> String? {
        guard let (key, value) = try find(key, aliases) else { return nil }
        guard let text = value.string else { throw fault("\(key) must be a string, is \(said(value))") }
        return text
    }

    package mutating func string(_ key: String, aliases: [String] = [], default fallback: String? = nil) throws(CheckpointError) -> String {
        guard let text = try optionalString(key, aliases: aliases) ?? fallback else { throw missing(key, aliases) }
        return text
    }

    /// One of the words that this program knows, and what each means here.
    package mutating func oneOf<Meaning>(
        _ key: String, aliases: [String] = [], _ words: KeyValuePairs<String, Meaning>, default fallback: String? = nil
    ) throws(CheckpointError) -> Meaning {
        let text = try string(key, aliases: aliases, default: fallback)
        guard let word = words.first(where: { $0.key == text }) else {
            throw unsupported(key, CheckpointError.quoted(text), supported: words.map(\.key))
        }
        return word.value
    }

    /// A switch that has only one position here.
    package mutating func require(_ key: String, _ expected: Bool, default fallback: Bool) throws(CheckpointError) {
        if try bool(key, default: fallback) != expected { throw unsupported(key, "\(!expected)", supported: ["\(expected)"]) }
    }

    /// A list of words that this program knows, and what each means here; nil if there is none.
    package mutating func optionalList<Meaning>(
        _ key: String, _ words: KeyValuePairs<String, Meaning>
    ) throws(CheckpointError) -> [Meaning]? {
        guard let (key, value) = try find(key, []) else { return nil }
        guard let items = value.array else { throw fault("\(key) must be a list, is \(said(value))") }
        var meanings: [Meaning] = []
        for item in items {
            guard let word = words.first(where: { item.string == $0.key }) else {
                throw unsupported(key, "with \(said(item))", supported: words.map(\.key))
            }
            meanings.append(word.value)
        }
        return meanings
    }

    // MARK: parts

    /// A reader of the object under `key`, or nil if there is none.
    mutating func nested(_ key: String) throws(CheckpointError) -> SettingsReader? {
        guard let (key, value) = try find(key, []) else { return nil }
        guard let object = value.object else { throw fault("\(key) must be an object, is \(said(value))") }
        return SettingsReader(config, architecture, object, prefix: key + ".")
    }

    /// The value under the first of the names that has one; all of them count as read. Two that disagree are an error.
    mutating func find(_ key: String, _ aliases: [String]) throws(CheckpointError) -> (key: String, value: JSONValue)? {
        var found: (key: String, value: JSONValue)?
        for name in [key] + aliases {
            read.insert(UTF8Key(name))
            guard let value = object[name], !value.isNull else { continue }
            if let found, said(found.value) != said(value) {
                throw fault("\(found.key) = \(said(found.value)) and \(prefix)\(name) = \(said(value)) disagree")
            }
            found = found ?? (prefix + name, value)
        }
        return found
    }

    /// The members that no getter has asked for.
    var unread: [(key: String, value: JSONValue)] { object.members.filter { !read.contains(UTF8Key($0.key)) } }

    /// Throws an error that names each key nobody asked for, unless it is in `ignored` or says nothing (null, false, empty).
    mutating func refuseUnread(except ignored: Set<String>) throws(CheckpointError) {
        let unknown = unread.filter { member in !ignored.contains { $0.utf8.elementsEqual(member.key.utf8) } }
        for (key, value) in unknown where SettingsReader.saysNothing(value) {
            notes.append("\(prefix)\(key) = \(said(value)) is unknown and was ignored")
        }
        let telling = unknown.filter { !SettingsReader.saysNothing($0.value) }
        guard !telling.isEmpty else { return }
        let list = telling.prefix(5).map { "\(prefix)\(JSONError.excerpt($0.key)) = \(said($0.value))" }.joined(separator: ", ")
        let more = telling.count > 5 ? " and \(telling.count - 5) more" : ""
        throw fault(
            "unknown setting for \(architecture), which may change what the model computes: \(list)\(more)",
            next: "Remove it from config.json if it has no meaning for this model.")
    }

    private static func saysNothing(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .array(let values): values.isEmpty
        case .object(let object): object.count == 0
        default: false
        }
    }

    // MARK: errors

    package func fault(_ rule: String, next: String = "Correct config.json.") -> CheckpointError { config.fault(rule, next: next) }

    func missing(_ key: String, _ aliases: [String] = []) -> CheckpointError {
        let other = aliases.isEmpty ? "" : " or \(aliases.joined(separator: ", "))"
        return fault("missing \(prefix)\(key)\(other) (required for \(architecture))")
    }

    func unsupported(_ key: String, _ value: String, supported: [String]) -> CheckpointError {
        fault(
            "\(prefix)\(key) \(value) unsupported; supported: \(supported.joined(separator: ", "))", next: "Use a model with one of these.")
    }

    /// A value as it stands in the file.
    func said(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let number): JSONError.excerpt(number.literal, limit: 40)
        case .string(let text): "\"\(JSONError.excerpt(text))\""
        case .array(let values): "an array of \(values.count)"
        case .object: "an object"
        }
    }
}
