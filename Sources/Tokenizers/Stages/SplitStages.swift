/// `Split`: cuts where a pattern matches, or (inverted) where it does not.
struct SplitStage: PieceStage {
    let pattern: CompiledPattern
    let behavior: SplitBehavior
    let inverted: Bool

    func apply(to pieces: inout Pieces) {
        var matcher = PatternMatcher(pattern)
        pieces.cut { text, piece, out in
            var stretches = matcher.stretches(text, piece.start, piece.end)
            if inverted {
                for index in stretches.indices { stretches[index].isMatch.toggle() }
            }
            behavior.pieces(stretches, into: &out)
        }
    }
}

/// `Split` by one of the published patterns.
struct ScannerStage: PieceStage {
    let scanner: any Scanner

    func apply(to pieces: inout Pieces) {
        pieces.cut { text, piece, out in scanner.pieces(text, piece.start, piece.end, into: &out) }
    }
}

/// Pre-tokenizers that look at one character at a time: `Whitespace`, `WhitespaceSplit`, `BertPreTokenizer`, `Punctuation`,
/// `Digits`, `CharDelimiterSplit`. Characters for which `isDelimiter` holds are the delimiters.
struct CharacterStage: PieceStage {
    let behavior: SplitBehavior
    let isDelimiter: @Sendable (UInt32, ScalarKind) -> Bool

    func apply(to pieces: inout Pieces) {
        pieces.cut { text, piece, out in behavior.pieces(stretches(text, piece), into: &out) }
    }

    /// Every delimiter alone, and what lies between.
    private func stretches(_ text: Span<UInt8>, _ piece: Pieces.Piece) -> [SplitBehavior.Stretch] {
        var result: [SplitBehavior.Stretch] = []
        var covered = piece.start
        var at = piece.start
        while at < piece.end {
            let (value, length) = UTF8Text.scalar(text, at, piece.end)
            if isDelimiter(value, ScalarKind.of(value)) {
                if at > covered { result.append(SplitBehavior.Stretch(start: covered, end: at, isMatch: false)) }
                covered = at + length
                result.append(SplitBehavior.Stretch(start: at, end: covered, isMatch: true))
            }
            at += length
        }
        if covered < piece.end { result.append(SplitBehavior.Stretch(start: covered, end: piece.end, isMatch: false)) }
        return result
    }

    static let whitespaceSplit = CharacterStage(behavior: .removed) { KindSet.spaces.contains($1) }

    /// Rust's `char::is_numeric`: all of N.
    static func digits(individual: Bool) -> CharacterStage {
        CharacterStage(behavior: individual ? .isolated : .contiguous) { KindSet.numbers.contains($1) }
    }

    static func punctuation(_ behavior: SplitBehavior) -> CharacterStage {
        CharacterStage(behavior: behavior) { isPunctuation($0, $1) }
    }

    /// `\w+|[^\w\s]+`, and nothing else: white space is the delimiter, and words and signs are runs.
    static let whitespace: [CharacterStage] = [
        whitespaceSplit, CharacterStage(behavior: .contiguous) { !KindSet.rustWord.contains($1) },
    ]

    static func delimiter(_ value: UInt32) -> CharacterStage {
        CharacterStage(behavior: .removed) { scalar, _ in scalar == value }
    }

    /// As of Unicode 8, whose tables the reference library has, with two scalars that have changed sides since; ASCII's symbols
    /// count too.
    private static func isPunctuation(_ value: UInt32, _ kind: ScalarKind) -> Bool {
        if value < 0x80 { return KindSet.punctuation.union(.symbols).contains(kind) }
        if value == 0x166D || value == 0x111C9 { return true }
        return KindSet.punctuation.contains(kind) && Unicode.Scalar(value).map { !$0.isNewer(than: 8) } ?? false
    }
}

/// `Metaspace`: spaces become ▁, one is put in front, and words begin at it.
struct MetaspaceStage: PieceStage {
    enum Prepend: String, CaseIterable, Sendable {
        case always, first, never
    }

    let replacement: [UInt8]
    let prepend: Prepend
    let split: Bool

    var growth: Int { 2 * max(1, replacement.count) }

    func apply(to pieces: inout Pieces) {
        pieces.rewrite { text, piece, out in
            if prepend == .always || (prepend == .first && piece.startsText), !begins(text, piece.start, piece.end) {
                out.append(contentsOf: replacement)
            }
            for at in piece.start..<piece.end {
                if text[at] == 0x20 { out.append(contentsOf: replacement) } else { out.append(text[at]) }
            }
        }
        if split { pieces.cut { text, piece, out in words(text, piece, into: &out) } }
    }

    /// Whether the text begins with the replacement, or with a space, which will become it.
    private func begins(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Bool {
        if text[at] == 0x20 { return true }
        guard end - at >= replacement.count else { return false }
        return replacement.indices.allSatisfy { text[at + $0] == replacement[$0] }
    }

    private func words(_ text: Span<UInt8>, _ piece: Pieces.Piece, into out: inout [Pieces.Piece]) {
        var wordStart = piece.start
        var at = piece.start
        while at < piece.end {
            if at > wordStart, beginsReplacement(text, at, piece.end) {
                out.append(Pieces.Piece(start: wordStart, end: at))
                wordStart = at
            }
            at += UTF8Text.scalar(text, at, piece.end).length
        }
        if wordStart < piece.end { out.append(Pieces.Piece(start: wordStart, end: piece.end)) }
    }

    private func beginsReplacement(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Bool {
        end - at >= replacement.count && replacement.indices.allSatisfy { text[at + $0] == replacement[$0] }
    }
}

/// `FixedLength`: pieces of so many characters.
struct FixedLengthStage: PieceStage {
    let length: Int

    func apply(to pieces: inout Pieces) {
        pieces.cut { text, piece, out in
            var start = piece.start
            while start < piece.end {
                var at = start
                for _ in 0..<length where at < piece.end { at += UTF8Text.scalar(text, at, piece.end).length }
                out.append(Pieces.Piece(start: start, end: at))
                start = at
            }
        }
    }
}

/// A space in front of every piece that does not begin with one (`add_prefix_space`).
struct PrefixSpaceStage: PieceStage {
    var growth: Int { 2 }

    func apply(to pieces: inout Pieces) {
        pieces.rewrite { text, piece, out in
            if text[piece.start] != 0x20 { out.append(0x20) }
            text.append(piece.start, piece.end, to: &out)
        }
    }
}

/// Every byte becomes its scalar of the byte-level alphabet.
struct ByteAlphabetStage: PieceStage {
    var growth: Int { 2 }

    func apply(to pieces: inout Pieces) {
        let spellings = ByteAlphabet.spellings
        pieces.rewrite { text, piece, out in
            for at in piece.start..<piece.end { out.append(contentsOf: spellings[Int(text[at])]) }
        }
    }
}
