/// A token that is cut out of the text before the model sees it.
struct AddedToken: Sendable {
    let id: Int32
    let content: [UInt8]
    /// Only where no word character stands beside it.
    var singleWord = false
    /// Takes the white space on its left (right) along.
    var stripsLeft = false
    var stripsRight = false
    /// Looked for in the normalised text, in its own normalised form.
    var normalized = false
    var special = false
}

/// Finds added tokens in a text: the leftmost first, of those that begin at one place the longest.
struct AddedTokenFinder: Sendable {
    private let tokens: [AddedToken]
    private let search: ReversedSearch

    /// `contents` are the forms to look for, one a token; nil if there is nothing to look for.
    init?(_ tokens: [AddedToken], contents: [[UInt8]]) {
        let found = zip(tokens, contents).filter { !$0.1.isEmpty }
        if found.isEmpty { return nil }
        self.tokens = found.map(\.0)
        search = ReversedSearch(found.map(\.1))
    }

    func apply(to pieces: inout Pieces) {
        pieces.cut { text, piece, out in cut(text, piece, into: &out) }
    }

    /// The steps and their order are those of `find_matches` in Hugging Face tokenizers (added_vocabulary.rs).
    private func cut(_ text: Span<UInt8>, _ piece: Pieces.Piece, into out: inout [Pieces.Piece]) {
        var covered = piece.start
        for match in search.matches(text, piece.start, piece.end) {
            let token = tokens[match.pattern]
            if token.singleWord && !standsAlone(match, text, piece) { continue }
            var end = match.end
            let start = token.stripsLeft ? spacesStart(text, match.start, covered) : match.start
            if token.stripsRight { end = Run.end(.spaces, text, max(end, covered), piece.end) }
            if covered < start { out.append(Pieces.Piece(start: covered, end: start)) }
            // Nothing is left of a token whose white space the one before it took along on both sides.
            if start < end { out.append(Pieces.Piece(start: start, end: end, token: token.id)) }
            covered = end
        }
        if covered < piece.end { out.append(Pieces.Piece(start: covered, end: piece.end)) }
    }

    private func standsAlone(_ match: ReversedSearch.Match, _ text: Span<UInt8>, _ piece: Pieces.Piece) -> Bool {
        let isWordBefore =
            match.start > piece.start
            && KindSet.rustWord.contains(ScalarKind.of(UTF8Text.scalarBefore(text, match.start, piece.start).value))
        let isWordAfter =
            match.end < piece.end && KindSet.rustWord.contains(ScalarKind.of(UTF8Text.scalar(text, match.end, piece.end).value))
        return !isWordBefore && !isWordAfter
    }

    /// Where the white space before `end` begins, at `limit` at the earliest.
    private func spacesStart(_ text: Span<UInt8>, _ end: Int, _ limit: Int) -> Int {
        var start = end
        while start > limit {
            let (value, length) = UTF8Text.scalarBefore(text, start, limit)
            if !KindSet.spaces.contains(ScalarKind.of(value)) { break }
            start -= length
        }
        return max(start, limit)
    }
}

/// Looks for many byte strings at once, right to left (Aho and Corasick, CACM 18, 1975, on the reversed strings), which tells for
/// every place the longest string that begins there. Left to right, a long string that almost matches would be read again and again.
struct ReversedSearch: Sendable {
    struct Match {
        let start: Int
        let end: Int
        let pattern: Int
    }

    private var children: MergeTable
    private var fallbacks: [Int32] = [0]
    /// The longest pattern that ends at a node or at one of its fallbacks, or -1.
    private var longest: [Int32] = [-1]
    private let lengths: [Int]
    /// The bytes with which a pattern ends.
    private var lastBytes = [Bool](repeating: false, count: 256)

    init(_ patterns: [[UInt8]]) {
        lengths = patterns.map(\.count)
        children = MergeTable(capacity: lengths.reduce(0, +))
        var parents: [(node: Int32, byte: UInt8)] = [(0, 0)]
        for (index, pattern) in patterns.enumerated() { insert(pattern, Int32(index), &parents) }
        linkFallbacks(parents)
    }

    private mutating func insert(_ pattern: [UInt8], _ index: Int32, _ parents: inout [(node: Int32, byte: UInt8)]) {
        if let last = pattern.last { lastBytes[Int(last)] = true }
        var node: Int32 = 0
        for byte in pattern.reversed() {
            if let next = child(node, byte) {
                node = next
            } else {
                let next = Int32(longest.count)
                children.insert(node, Int32(byte), rank: 0, result: next)
                longest.append(-1)
                fallbacks.append(0)
                parents.append((node, byte))
                node = next
            }
        }
        longest[Int(node)] = index
    }

    private func child(_ node: Int32, _ byte: UInt8) -> Int32? {
        let entry = children.find(node, Int32(byte))
        return entry == MergeTable.none ? nil : MergeTable.result(entry)
    }

    /// A node falls back to the longest other node that its string ends with; nearer ones come first.
    private mutating func linkFallbacks(_ parents: [(node: Int32, byte: UInt8)]) {
        var depths = [Int](repeating: 0, count: parents.count)
        for node in parents.indices.dropFirst() { depths[node] = depths[Int(parents[node].node)] + 1 }
        for node in parents.indices.sorted(by: { depths[$0] < depths[$1] }).dropFirst() {
            let (parent, byte) = parents[node]
            if parent != 0 { fallbacks[node] = advance(fallbacks[Int(parent)], byte) }
            if longest[node] < 0 { longest[node] = longest[Int(fallbacks[node])] }
        }
    }

    @inline(__always)
    private func advance(_ node: Int32, _ byte: UInt8) -> Int32 {
        var node = node
        while true {
            if let next = child(node, byte) { return next }
            if node == 0 { return 0 }
            node = fallbacks[Int(node)]
        }
    }

    /// The matches, leftmost first and longest at each place, that do not overlap.
    func matches(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> [Match] {
        var found: [Match] = []
        var node: Int32 = 0
        var at = end
        while at > start {
            at -= 1
            let byte = text[at]
            if node == 0 && !lastBytes[Int(byte)] { continue }
            node = advance(node, byte)
            let pattern = longest[Int(node)]
            if pattern >= 0 { found.append(Match(start: at, end: at + lengths[Int(pattern)], pattern: Int(pattern))) }
        }
        var covered = start
        return found.reversed().filter { match in
            if match.start < covered { return false }
            covered = match.end
            return true
        }
    }
}
