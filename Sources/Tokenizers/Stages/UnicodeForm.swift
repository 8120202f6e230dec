import Foundation

/// `NFC`, `NFD`, `NFKC`, `NFKD` (Unicode Standard Annex 15) as of Unicode 9, whose tables the reference library has: models have
/// learned from text in which younger scalars stand as they were written.
enum UnicodeForm: String, CaseIterable, PieceStage {
    case composed = "NFC"
    case decomposed = "NFD"
    case compatiblyComposed = "NFKC"
    case compatiblyDecomposed = "NFKD"

    /// The most that a string grows in UTF-8 (Unicode FAQ on normalization).
    var growth: Int { self == .composed || self == .decomposed ? 3 : 11 }

    /// Scalars below this are their own normal form, and none of them combines with what stands before it.
    private var firstAffected: UInt32 {
        switch self {
        case .composed: 0x300
        case .decomposed: 0xC0
        case .compatiblyComposed, .compatiblyDecomposed: 0xA0
        }
    }

    func apply(to pieces: inout Pieces) {
        if pieces.bytes.allSatisfy({ $0 < 0xC0 || ($0 < 0xCC && self == .composed) }) { return }
        pieces.rewrite { text, piece, out in normalize(text, piece.start, piece.end, into: &out) }
    }

    /// Copies what is in normal form anyway and hands the rest to Foundation: runs of affected scalars with the one before, which
    /// may combine with them.
    private func normalize(_ text: Span<UInt8>, _ start: Int, _ end: Int, into out: inout [UInt8]) {
        var copied = start
        var at = start
        while at < end {
            let (value, length) = UTF8Text.scalar(text, at, end)
            if !isAffected(value) {
                at += length
                continue
            }
            let runStart = runStart(text, at, copied)
            text.append(copied, runStart, to: &out)
            copied = runEnd(text, at, end)
            write(text, runStart, copied, into: &out)
            at = copied
        }
        text.append(copied, end, to: &out)
    }

    private func isAffected(_ value: UInt32) -> Bool {
        guard value >= firstAffected, !(0x4E00...0x9FFF).contains(value), let scalar = Unicode.Scalar(value) else { return false }
        return !scalar.isNewer(than: 9)
    }

    /// The run takes the scalar before it along, which may combine with it.
    private func runStart(_ text: Span<UInt8>, _ at: Int, _ limit: Int) -> Int {
        if at == limit { return at }
        let (value, length) = UTF8Text.scalarBefore(text, at, limit)
        return value < firstAffected ? at - length : at
    }

    private func runEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        var at = at
        while at < end {
            let (value, length) = UTF8Text.scalar(text, at, end)
            if !isAffected(value) { break }
            at += length
        }
        return at
    }

    private func write(_ text: Span<UInt8>, _ start: Int, _ end: Int, into out: inout [UInt8]) {
        let string = String(decoding: (start..<end).map { text[$0] }, as: UTF8.self)
        out.append(contentsOf: normal(string).utf8)
    }

    private func normal(_ string: String) -> String {
        switch self {
        case .composed: Self.ordered(string.decomposedStringWithCanonicalMapping).precomposedStringWithCanonicalMapping
        case .decomposed: Self.ordered(string.decomposedStringWithCanonicalMapping)
        case .compatiblyComposed: Self.ordered(string.decomposedStringWithCompatibilityMapping).precomposedStringWithCanonicalMapping
        case .compatiblyDecomposed: Self.ordered(string.decomposedStringWithCompatibilityMapping)
        }
    }

    /// Marks in canonical order (Unicode Standard, D109): Foundation leaves U+0329 U+0F81 as it stands, whose decomposition has to
    /// be sorted.
    private static func ordered(_ string: String) -> String {
        var scalars = Array(string.unicodeScalars)
        var classes = scalars.map { $0.properties.canonicalCombiningClass.rawValue }
        var first = 0
        while first < scalars.count {
            var end = first
            while end < scalars.count, classes[end] != 0 { end += 1 }
            if end - first > 1 { sort(first..<end, &scalars, &classes) }
            first = end + 1
        }
        var result = ""
        result.unicodeScalars.append(contentsOf: scalars)
        return result
    }

    /// A stable sort by combining class.
    private static func sort(_ range: Range<Int>, _ scalars: inout [Unicode.Scalar], _ classes: inout [UInt8]) {
        let order = range.sorted { (classes[$0], $0) < (classes[$1], $1) }
        let sorted = order.map { scalars[$0] }
        let sortedClasses = order.map { classes[$0] }
        scalars.replaceSubrange(range, with: sorted)
        classes.replaceSubrange(range, with: sortedClasses)
    }
}
