/// The ids of pieces already encoded in this text. It stops growing at its limits, so that a text of random words costs no more
/// than the search for them.
struct WordCache {
    private static let entryLimit = 1 << 16
    private static let longestWord = 64
    private static let longestResult = 32

    private var words: ByteTable?
    private var ids: [Int32] = []
    /// The ids of word w are `ids[ends[w] ..< ends[w + 1]]`.
    private var ends: [Int32] = [0]

    /// Appends the ids of the word, if it was met before.
    @inline(__always)
    func appendHit(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ out: inout [Int32]) -> Bool {
        guard end - start <= Self.longestWord, let word = words?.find(text, start, end) else { return false }
        let first = Int(ends[Int(word)])
        let last = Int(ends[Int(word) + 1])
        if last == first + 1 { out.append(ids[first]) } else { out.append(contentsOf: ids[first..<last]) }
        return true
    }

    mutating func insert(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ result: [Int32]) {
        guard end - start <= Self.longestWord, result.count <= Self.longestResult, ends.count <= Self.entryLimit else { return }
        if words == nil { words = ByteTable(capacity: 64) }
        guard words?.insert(text, start, end, Int32(ends.count - 1)) == nil else { return }
        ids.append(contentsOf: result)
        ends.append(Int32(ids.count))
    }
}
