/// `Prepend`: text in front of every piece.
struct PrependNormalizer: PieceStage {
    let text: [UInt8]

    var growth: Int { 1 + text.count }

    func apply(to pieces: inout Pieces) {
        pieces.rewrite { source, piece, out in
            out.append(contentsOf: text)
            source.append(piece.start, piece.end, to: &out)
        }
    }
}

/// `Replace`: every match of a pattern by other text.
struct ReplaceNormalizer: PieceStage {
    let pattern: ReplacementPattern
    let content: [UInt8]

    /// An empty match puts the content between any two bytes.
    var growth: Int { 2 + content.count }

    func apply(to pieces: inout Pieces) {
        var replacer = Replacer(pattern, content)
        pieces.rewrite { source, piece, out in replacer.replace(source, piece.start, piece.end, into: &out) }
    }
}

/// What `Replace` looks for.
enum ReplacementPattern: Sendable {
    /// One or more bytes of UTF-8; they are found as they stand.
    case literal([UInt8])
    case expression(CompiledPattern)
}

/// Replaces matches in one text after the other.
struct Replacer {
    private let literal: [UInt8]
    private var matcher: PatternMatcher?
    private let content: [UInt8]

    init(_ pattern: ReplacementPattern, _ content: [UInt8]) {
        self.content = content
        switch pattern {
        case .literal(let bytes): literal = bytes
        case .expression(let expression):
            literal = []
            matcher = PatternMatcher(expression)
        }
    }

    mutating func replace(_ text: Span<UInt8>, _ start: Int, _ end: Int, into out: inout [UInt8]) {
        guard let stretches = matcher?.stretches(text, start, end) else { return replaceLiteral(text, start, end, into: &out) }
        for stretch in stretches {
            if stretch.isMatch { out.append(contentsOf: content) } else { text.append(stretch.start, stretch.end, to: &out) }
        }
    }

    func replaceLiteral(_ text: Span<UInt8>, _ start: Int, _ end: Int, into out: inout [UInt8]) {
        var at = start
        while at < end {
            if end - at >= literal.count, literal.indices.allSatisfy({ text[at + $0] == literal[$0] }) {
                out.append(contentsOf: content)
                at += literal.count
            } else {
                out.append(text[at])
                at += 1
            }
        }
    }
}

/// `Strip`: white space away from the ends.
struct StripNormalizer: PieceStage {
    let left: Bool
    let right: Bool

    func apply(to pieces: inout Pieces) {
        pieces.rewrite { text, piece, out in
            let start = left ? Run.end(.spaces, text, piece.start, piece.end) : piece.start
            var end = piece.end
            while right, end > start {
                let (value, length) = UTF8Text.scalarBefore(text, end, start)
                if !KindSet.spaces.contains(ScalarKind.of(value)) { break }
                end -= length
            }
            text.append(start, end, to: &out)
        }
    }
}

/// `StripAccents`: every mark away (which helps only after NFD).
struct StripAccentsNormalizer: PieceStage {
    func apply(to pieces: inout Pieces) {
        pieces.rewrite { text, piece, out in
            var at = piece.start
            while at < piece.end {
                let (value, length) = UTF8Text.scalar(text, at, piece.end)
                if !isMark(value) { text.append(at, at + length, to: &out) }
                at += length
            }
        }
    }

    /// As of Unicode 9, like the normal forms; three scalars have changed sides since.
    private func isMark(_ value: UInt32) -> Bool {
        if value == 0x1CF2 || value == 0x1CF3 { return true }
        guard KindSet.marks.contains(ScalarKind.of(value)), value != 0x111C9, let scalar = Unicode.Scalar(value) else { return false }
        return !scalar.isNewer(than: 9)
    }
}

/// `Lowercase`: scalar by scalar, without regard to what stands beside it.
struct LowercaseNormalizer: PieceStage {
    var growth: Int { 2 }

    func apply(to pieces: inout Pieces) {
        pieces.rewrite { text, piece, out in
            var at = piece.start
            while at < piece.end {
                let (value, length) = UTF8Text.scalar(text, at, piece.end)
                if value < 0x80 {
                    out.append((0x41...0x5A).contains(UInt8(value)) ? UInt8(value) | 0x20 : UInt8(value))
                } else if let scalar = Unicode.Scalar(value) {
                    out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
                } else {
                    text.append(at, at + length, to: &out)
                }
                at += length
            }
        }
    }
}
