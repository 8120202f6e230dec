/// A published splitting pattern as a loop over the text, several times faster than the pattern engine. A test holds every scanner
/// against the engine on its own pattern.
protocol Scanner: Sendable {
    /// The pattern, exactly as tokenizer.json writes it.
    var pattern: String { get }
    /// The end of the match that begins at `at < end`. Every scalar begins a match in these patterns.
    func matchEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int
}

extension Scanner {
    /// Every match of `text[start..<end]` as a piece: what `Split` with the behavior `Isolated` makes.
    func pieces(_ text: Span<UInt8>, _ start: Int, _ end: Int, into pieces: inout [Pieces.Piece]) {
        var at = start
        while at < end {
            let next = matchEnd(text, at, end)
            pieces.append(Pieces.Piece(start: at, end: next))
            at = next
        }
    }
}

enum Scanners {
    static let all: [any Scanner] = [GPT2Scanner(), WordScanner.llama3, WordScanner.qwen2]

    /// The scanner of a pattern, if it is one of the published ones.
    static func scanner(for pattern: String) -> (any Scanner)? { all.first { $0.pattern.utf8.elementsEqual(pattern.utf8) } }
}

/// Steps over runs of characters.
enum Run {
    /// The end of the longest run of scalars in `kinds` from `at`.
    @inline(__always)
    static func end(_ kinds: KindSet, _ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        var at = at
        while at < end {
            let (value, length) = UTF8Text.scalar(text, at, end)
            if !kinds.contains(ScalarKind.of(value)) { break }
            at += length
        }
        return at
    }

    /// `\s+(?!\S)|\s+`: a run of white space gives its last character to the word that follows it, if it has more than one.
    static func spaces(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        let after = Run.end(.spaces, text, at, end)
        if after == end { return after }
        let last = after - UTF8Text.scalarBefore(text, after, at).length
        return last > at ? last : after
    }
}
