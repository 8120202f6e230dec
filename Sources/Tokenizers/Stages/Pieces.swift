/// A text on its way through the tokenizer: its bytes, and the pieces they are cut into so far. Added tokens are cut out first
/// and stay as they are; normalizers rewrite the bytes of the other pieces, pre-tokenizers cut them further.
struct Pieces {
    struct Piece {
        var start: Int
        var end: Int
        /// The added token that this is, or -1 for text.
        var token: Int32 = -1
        /// Whether it begins where the whole text begins.
        var startsText = false

        var isText: Bool { token < 0 }
    }

    var bytes: [UInt8]
    var items: [Piece]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        items = bytes.isEmpty ? [] : [Piece(start: 0, end: bytes.count, startsText: true)]
    }

    /// Cuts every text piece: `cut` is given the bytes, the piece, and where to put what remains of it. Empty pieces vanish.
    mutating func cut(_ cut: (Span<UInt8>, Piece, inout [Piece]) -> Void) {
        var result: [Piece] = []
        result.reserveCapacity(items.count)
        let source = bytes
        let text = source.span
        for piece in items {
            let first = result.count
            if piece.isText { cut(text, piece, &result) } else { result.append(piece) }
            if piece.startsText, first < result.count, result[first].start == piece.start { result[first].startsText = true }
        }
        items = result
    }

    /// Rewrites every text piece: `write` appends the new bytes of the piece.
    mutating func rewrite(_ write: (Span<UInt8>, Piece, inout [UInt8]) -> Void) {
        var written: [UInt8] = []
        written.reserveCapacity(bytes.count + bytes.count / 8)
        var result: [Piece] = []
        result.reserveCapacity(items.count)
        let source = bytes
        let text = source.span
        for piece in items {
            let start = written.count
            if piece.isText { write(text, piece, &written) }
            if piece.isText && written.count == start { continue }
            result.append(Piece(start: start, end: written.count, token: piece.token, startsText: piece.startsText))
        }
        bytes = written
        items = result
    }
}

/// A normalizer or a pre-tokenizer.
protocol PieceStage: Sendable {
    func apply(to pieces: inout Pieces)
    /// How many bytes one byte of text can become at most; bounds what a file can make of a text.
    var growth: Int { get }
}

extension PieceStage {
    var growth: Int { 1 }
}

extension Span<UInt8> {
    /// Appends `self[start..<end]`.
    @inline(__always)
    func append(_ start: Int, _ end: Int, to out: inout [UInt8]) {
        extracting(start..<end).withUnsafeBufferPointer { out.append(contentsOf: $0) }
    }
}
