/// Where a text may be cut without changing what it is merged into.
///
/// A merge across the seam between the symbols x and y needs a merge whose left part ends with x and whose right part begins with
/// y. Where the file has none, both sides are encoded on their own, and words come from the cache although the tokenizer splits
/// nothing: in Llama 2's vocabulary no merge leads into a ▁ from a letter, so every word is a piece.
struct Seams: Sendable {
    private let crossed: MergeTable
    private let symbols: ScalarSymbols

    /// `merges` are pairs of ids. Nil where symbols and spellings do not correspond, or where whole pieces count.
    init?(_ vocabulary: Vocabulary, _ symbols: ScalarSymbols, _ options: BytePairOptions, _ merges: [(left: Int32, right: Int32)]) {
        guard options.continuingPrefix.isEmpty, options.endSuffix.isEmpty, !options.ignoreMerges else { return nil }
        let untold = Set(symbols.byteTokens + [options.unknown ?? -1])
        var crossed = MergeTable(capacity: merges.count)
        for (left, right) in merges {
            if untold.contains(left) || untold.contains(right) { return nil }
            let last = Self.last(vocabulary, left)
            let first = Self.first(vocabulary, right)
            if last >= 0, first >= 0 { crossed.insert(last, first, rank: 0, result: 0) }
        }
        self.crossed = crossed
        self.symbols = symbols
    }

    private static func first(_ vocabulary: Vocabulary, _ id: Int32) -> Int32 {
        guard let spelling = vocabulary.spelling(id), !spelling.isEmpty else { return -1 }
        let text = Array(spelling.prefix(4)).span
        return vocabulary.modelID(text, 0, UTF8Text.scalar(text, 0, text.count).length) ?? -1
    }

    private static func last(_ vocabulary: Vocabulary, _ id: Int32) -> Int32 {
        guard let spelling = vocabulary.spelling(id), !spelling.isEmpty else { return -1 }
        let text = Array(spelling.suffix(4)).span
        return vocabulary.modelID(text, text.count - UTF8Text.scalarBefore(text, text.count, 0).length, text.count) ?? -1
    }

    /// The end of the piece that begins at `start`: the first seam that nothing crosses, or `end`. Unknown symbols are kept
    /// together with their neighbours, since they may be fused.
    func pieceEnd(_ vocabulary: Vocabulary, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int {
        var at = start
        var left: Int32 = -1
        while at < end {
            let after = at + UTF8Text.scalar(text, at, end).length
            let right = symbols.id(vocabulary, text, at, after)
            if left >= 0, right >= 0, crossed.find(left, right) == MergeTable.none { return at }
            left = right
            at = after
        }
        return end
    }
}
