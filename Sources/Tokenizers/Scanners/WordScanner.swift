/// The pattern of Llama 3 (meta-llama/llama3, tokenizer.py) and of Qwen 2, which differ in how many digits stay together.
struct WordScanner: Scanner {
    let pattern: String
    private let digits: Int

    static let llama3 = WordScanner(number: #"\p{N}{1,3}"#, digits: 3)
    static let qwen2 = WordScanner(number: #"\p{N}"#, digits: 1)

    private init(number: String, digits: Int) {
        pattern =
            #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"# + number
            + #"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        self.digits = digits
    }

    private static let rest = KindSet(mask: ~(KindSet.spaces.mask | KindSet.letters.mask | KindSet.numbers.mask))

    func matchEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        let (value, length) = UTF8Text.scalar(text, at, end)
        let kind = ScalarKind.of(value)
        if KindSet.letters.contains(kind) { return Run.end(.letters, text, at, end) }
        if KindSet.numbers.contains(kind) { return numberEnd(text, at, end) }
        if value == 0x27, let after = contraction(text, at, end) { return after }
        let after = at + length
        if after < end, value != 0x0A, value != 0x0D {
            let wordEnd = Run.end(.letters, text, after, end)
            if wordEnd > after { return wordEnd }
        }
        if Self.rest.contains(kind) { return symbolsEnd(text, at, end) }
        if value == 0x20, after < end, Self.rest.contains(ScalarKind.of(UTF8Text.scalar(text, after, end).value)) {
            return symbolsEnd(text, after, end)
        }
        return lineEnd(text, at, end) ?? Run.spaces(text, at, end)
    }

    private func numberEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        var at = at
        for _ in 0..<digits where at < end {
            let (value, length) = UTF8Text.scalar(text, at, end)
            if !KindSet.numbers.contains(ScalarKind.of(value)) { break }
            at += length
        }
        return at
    }

    /// `[^\s\p{L}\p{N}]+[\r\n]*`
    private func symbolsEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int {
        var at = Run.end(Self.rest, text, at, end)
        while at < end, text[at] == 0x0A || text[at] == 0x0D { at += 1 }
        return at
    }

    /// `\s*[\r\n]+`: to the last line break of a run of white space.
    private func lineEnd(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int? {
        var after = Run.end(.spaces, text, at, end)
        while after > at, text[after - 1] != 0x0A, text[after - 1] != 0x0D { after -= 1 }
        return after > at ? after : nil
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`; the long s, ſ, is an s whatever its case.
    private func contraction(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> Int? {
        guard at + 1 < end else { return nil }
        let third = at + 2 < end ? text[at + 2] | 0x20 : 0
        switch text[at + 1] | 0x20 {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return at + 2
        case UInt8(ascii: "r"), UInt8(ascii: "v"): return third == UInt8(ascii: "e") ? at + 3 : nil
        case UInt8(ascii: "l"): return third == UInt8(ascii: "l") ? at + 3 : nil
        default: return text[at + 1] == 0xC5 && at + 2 < end && text[at + 2] == 0xBF ? at + 3 : nil
        }
    }
}
