/// The tokens by id and by spelling. Ids are dense but for a few holes that some published vocabularies have, so that arrays are
/// sized by the number of tokens, never by the largest id.
package struct Vocabulary: Sendable {
    private var spellings: ByteTable
    /// The entry of each id in `spellings`, or -1 for a hole.
    private var entries: [Int32]
    /// The ids that added_tokens declares, and whether they are special.
    private var added: [Int32: Bool] = [:]
    /// One more than the largest id of model.vocab: later ones are added tokens.
    private(set) var modelEnd = 0
    /// Their number; they were inserted first.
    private var modelTokens: Int32 = 0

    /// Room for `capacity` tokens with ids below `idLimit`.
    init(capacity: Int, idLimit: Int) {
        spellings = ByteTable(capacity: capacity, bytes: capacity * 8)
        entries = Array(repeating: -1, count: idLimit)
    }

    /// One more than the largest id.
    package var count: Int { entries.count }
    /// How many tokens there are; less than `count` if ids are missing.
    package var tokenCount: Int { spellings.count }

    package func contains(_ id: Int32) -> Bool { spelling(id) != nil }

    /// The token as the file writes it, such as `Ġthe` or `▁the`.
    package func spelling(_ id: Int32) -> ArraySlice<UInt8>? {
        guard id >= 0, Int(id) < entries.count, entries[Int(id)] >= 0 else { return nil }
        return spellings.key(Int(entries[Int(id)]))
    }

    package func id(_ spelling: [UInt8]) -> Int32? { spellings.find(spelling) }
    package func id(_ spelling: String) -> Int32? { spellings.find(Array(spelling.utf8)) }

    /// The id of `text[start..<end]` as a token of the model; a token that is only added is none, since it is cut out of the text
    /// before.
    func modelID(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int32? {
        guard let id = spellings.find(text, start, end), isModelToken(id) else { return nil }
        return id
    }

    /// Whether model.vocab has this id, which is some token's.
    func isModelToken(_ id: Int32) -> Bool { entries[Int(id)] < modelTokens }

    func modelID(_ spelling: [UInt8]) -> Int32? { modelID(spelling.span, 0, spelling.count) }

    package func isAdded(_ id: Int32) -> Bool { added[id] != nil }
    package func isSpecial(_ id: Int32) -> Bool { added[id] ?? false }

    /// What an insertion found in its way.
    enum Conflict {
        case outOfRange
        case spellingUsed(Int32)
        case idUsed(by: ArraySlice<UInt8>)
    }

    /// Adds a token of the model's vocabulary.
    mutating func insert(_ spelling: Span<UInt8>, id: Int) -> Conflict? {
        guard id >= 0, id < entries.count, let id32 = Int32(exactly: id) else { return .outOfRange }
        if entries[id] >= 0 { return .idUsed(by: spellings.key(Int(entries[id]))) }
        if let present = spellings.insert(spelling, id32) { return .spellingUsed(present) }
        entries[id] = Int32(spellings.count - 1)
        return nil
    }

    mutating func markAdded(_ id: Int32, special: Bool) { added[id] = special || (added[id] ?? false) }

    /// Ends the ids at the largest one used.
    mutating func trim() {
        while let last = entries.last, last < 0 { entries.removeLast() }
    }

    mutating func endOfModel() {
        modelEnd = entries.count
        modelTokens = Int32(clamping: spellings.count)
    }

    /// Makes room for `count` ids more.
    mutating func reserveIDs(_ count: Int) { entries.append(contentsOf: repeatElement(-1, count: count)) }

    /// The first id from `start` on that no token has.
    func firstHole(from start: Int) -> Int? { entries[start...].firstIndex { $0 < 0 } }
}
