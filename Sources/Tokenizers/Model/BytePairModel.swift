/// The `BPE` model of tokenizer.json: a piece of text becomes symbols, and pairs of symbols are merged.
struct BytePairModel: Sendable {
    let vocabulary: Vocabulary
    let merges: MergeTable
    let options: BytePairOptions
    let alphabet: SymbolAlphabet
    /// Where a piece may be cut without changing its ids; nil where pieces are short anyway.
    let seams: Seams?

    /// Appends the ids of `text[start..<end]`.
    func encode(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ workspace: inout EncodeWorkspace, into ids: inout [Int32]) {
        guard let seams else { return encodePiece(text, start, end, &workspace, into: &ids) }
        var at = start
        while at < end {
            let after = seams.pieceEnd(vocabulary, text, at, end)
            encodePiece(text, at, after, &workspace, into: &ids)
            at = after
        }
    }

    private func encodePiece(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ workspace: inout EncodeWorkspace, into ids: inout [Int32]) {
        if workspace.cache.appendHit(text, start, end, &ids) { return }
        if options.ignoreMerges, let id = alphabet.wholeToken(vocabulary, text, start, end) {
            ids.append(id)
            return
        }
        alphabet.symbols(self, text, start, end, into: &workspace.merging.symbols)
        workspace.merging.merge(merges)
        ids.append(contentsOf: workspace.merging.symbols)
        workspace.cache.insert(text, start, end, workspace.merging.symbols)
    }

    /// What `encode` does to `text[start..<end]`, merge by merge.
    func explain(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> [PreTokenExplanation] {
        var workspace = EncodeWorkspace()
        var pieces: [PreTokenExplanation] = []
        var at = start
        while at < end {
            let after = seams?.pieceEnd(vocabulary, text, at, end) ?? end
            pieces.append(explainPiece(text, at, after, &workspace))
            at = after
        }
        return pieces
    }

    private func explainPiece(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ workspace: inout EncodeWorkspace) -> PreTokenExplanation {
        let bytes = (start..<end).map { text[$0] }
        if options.ignoreMerges, let id = alphabet.wholeToken(vocabulary, text, start, end) {
            return PreTokenExplanation(kind: .wholeToken, bytes: bytes, symbols: [id], merges: [])
        }
        alphabet.symbols(self, text, start, end, into: &workspace.merging.symbols)
        let symbols = workspace.merging.symbols
        let steps = workspace.merging.recordedMerges(merges)
        return PreTokenExplanation(kind: .merged, bytes: bytes, symbols: symbols, merges: steps)
    }
}

/// The settings of a BPE model beside its vocabulary and merges.
struct BytePairOptions: Sendable {
    var unknown: Int32?
    var fuseUnknown = false
    var byteFallback = false
    var ignoreMerges = false
    /// Written before every symbol of a piece but the first.
    var continuingPrefix: [UInt8] = []
    /// Written after the last symbol of a piece.
    var endSuffix: [UInt8] = []
}

/// What an encoding needs for a while: buffers and the words already seen.
struct EncodeWorkspace {
    var merging = MergeWorkspace()
    var cache = WordCache()
}
