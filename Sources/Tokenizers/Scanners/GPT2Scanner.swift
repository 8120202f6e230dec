/// GPT-2's pattern (openai/gpt-2, src/encoder.py).
struct GPT2Scanner: Scanner {
    let pattern = #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    private static let rest = KindSet(mask: ~(KindSet.spaces.mask | KindSet.letters.mask | KindSet.numbers.mask))

    func matchEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        let first = text[at]
        if first == UInt8(ascii: "'"), let after = contraction(text, at, end) { return after }
        let body = first == UInt8(ascii: " ") && at + 1 < end ? at + 1 : at
        let kind = ScalarKind.of(UTF8Text.scalar(text, body, end).value)
        if KindSet.letters.contains(kind) { return Run.end(.letters, text, body, end) }
        if KindSet.numbers.contains(kind) { return Run.end(.numbers, text, body, end) }
        if Self.rest.contains(kind) { return Run.end(Self.rest, text, body, end) }
        return Run.spaces(text, at, end)
    }

    /// `'s|'t|'re|'ve|'m|'ll|'d`
    private func contraction(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int? {
        guard at + 1 < end else { return nil }
        switch text[at + 1] {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return at + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return at + 2 < end && text[at + 2] == UInt8(ascii: "e") ? at + 3 : nil
        case UInt8(ascii: "l"): return at + 2 < end && text[at + 2] == UInt8(ascii: "l") ? at + 3 : nil
        default: return nil
        }
    }
}
