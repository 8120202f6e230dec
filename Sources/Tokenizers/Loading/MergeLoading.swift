import StrictJSON

/// Reading `model.merges`: `["a", "b"]`, or `"a b"` in older files.
struct MergeLoading {
    let model: Section
    let vocabulary: Vocabulary
    let options: BytePairOptions

    /// The table, and the pairs in the order of the file.
    func merges() throws(TokenizerError) -> (MergeTable, [(left: Int32, right: Int32)]) {
        let values = try model.array("merges") ?? []
        guard values.count < Int(Int32.max) else { throw model.error("model.merges has \(values.count) entries, too many") }
        var table = MergeTable(capacity: values.count)
        var pairs: [(left: Int32, right: Int32)] = []
        pairs.reserveCapacity(values.count)
        var joined: [UInt8] = []
        for (rank, value) in values.enumerated() {
            let seam = try join(value, rank, into: &joined)
            let (left, right, result) = try ids(joined, seam, rank)
            table.insert(left, right, rank: Int32(rank), result: result)
            pairs.append((left, right))
        }
        return (table, pairs)
    }

    /// Writes both parts one after the other and gives the length of the left one.
    private func join(_ value: JSONValue, _ rank: Int, into joined: inout [UInt8]) throws(TokenizerError) -> Int {
        joined.removeAll(keepingCapacity: true)
        switch value {
        case .array(let parts):
            guard parts.count == 2, let left = parts[0].string, let right = parts[1].string else { throw twoParts(value, rank) }
            joined.append(contentsOf: left.utf8)
            let seam = joined.count
            joined.append(contentsOf: right.utf8)
            return seam
        case .string(let text):
            joined.append(contentsOf: text.utf8)
            guard let space = joined.firstIndex(of: 0x20), joined.lastIndex(of: 0x20) == space else { throw twoParts(value, rank) }
            joined.remove(at: space)
            return space
        default: throw twoParts(value, rank)
        }
    }

    private func twoParts(_ value: JSONValue, _ rank: Int) -> TokenizerError {
        model.error("model.merges: merge \(rank) must have two parts, is \(Section.shown(value))")
    }

    private func ids(_ joined: [UInt8], _ seam: Int, _ rank: Int) throws(TokenizerError) -> (Int32, Int32, Int32) {
        let text = joined.span
        guard let left = vocabulary.modelID(text, 0, seam) else { throw missing("left part", joined, 0..<seam, seam, rank) }
        guard let right = vocabulary.modelID(text, seam, text.count) else {
            throw missing("right part", joined, seam..<text.count, seam, rank)
        }
        if let result = try result(joined, seam, rank) { return (left, right, result) }
        throw missing("result", joined, 0..<text.count, seam, rank)
    }

    /// The token that both parts make; the right one gives up the prefix that marks a continuation.
    private func result(_ joined: [UInt8], _ seam: Int, _ rank: Int) throws(TokenizerError) -> Int32? {
        let prefix = options.continuingPrefix.count
        if prefix == 0 { return vocabulary.modelID(joined) }
        guard joined.count - seam >= prefix else {
            throw model.error("model.merges: merge \(rank): right part shorter than continuing_subword_prefix")
        }
        return vocabulary.modelID(Array(joined[..<seam] + joined[(seam + prefix)...]))
    }

    private func missing(_ what: String, _ joined: [UInt8], _ range: Range<Int>, _ seam: Int, _ rank: Int) -> TokenizerError {
        let left = String(decoding: joined[..<seam], as: UTF8.self)
        let right = String(decoding: joined[seam...], as: UTF8.self)
        let absent = Quoted.text(String(decoding: joined[range], as: UTF8.self))
        return model.error("model.merges: merge \(rank) \(Quoted.text("\(left) \(right)")): \(what) \(absent) not in vocab")
    }
}
