/// Reading UTF-8 a scalar at a time, without ever failing: a byte that is part of no well-formed sequence (Unicode 15,
/// table 3-7) is read as one unit of its own, so that byte-level tokenizers keep it.
enum UTF8Text {
    /// Added to an ill-formed byte, so that it equals no scalar.
    static let illFormed: UInt32 = 0x11_0000

    /// The scalar that starts at `at` (`at < end <= text.count`) and the number of its bytes.
    @inline(__always)
    static func scalar(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> (value: UInt32, length: Int) {
        let first = text[at]
        return first < 0x80 ? (UInt32(first), 1) : longScalar(text, at, end)
    }

    static func longScalar(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> (value: UInt32, length: Int) {
        let first = UInt32(text[at])
        let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard first >= 0xC2, first <= 0xF4, end - at >= length else { return (illFormed | first, 1) }
        var value = first & (0x7F >> UInt32(length))
        for offset in 1..<length {
            let next = UInt32(text[at + offset])
            guard next & 0xC0 == 0x80 else { return (illFormed | first, 1) }
            value = value << 6 | next & 0x3F
        }
        let isShortest = value >= (length == 2 ? 0x80 : length == 3 ? 0x800 : 0x1_0000)
        guard isShortest, value <= 0x10_FFFF, value & 0x1F_F800 != 0xD800 else { return (illFormed | first, 1) }
        return (value, length)
    }

    /// The scalar that ends at `end` (`start < end`) and the number of its bytes.
    static func scalarBefore(_ text: Span<UInt8>, _ end: Int, _ start: Int) -> (value: UInt32, length: Int) {
        if text[end - 1] < 0x80 { return (UInt32(text[end - 1]), 1) }
        var first = end - 1
        while first > start, end - first < 4, text[first] & 0xC0 == 0x80 { first -= 1 }
        let (value, length) = longOrASCII(text, first, end)
        return first + length == end ? (value, length) : (illFormed | UInt32(text[end - 1]), 1)
    }

    private static func longOrASCII(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> (value: UInt32, length: Int) {
        scalar(text, at, end)
    }

    /// The UTF-8 form of `value`; an ill-formed byte gives that byte back.
    static func append(_ value: UInt32, to out: inout [UInt8]) {
        if value >= illFormed {
            out.append(UInt8(truncatingIfNeeded: value))
        } else if let scalar = Unicode.Scalar(value) {
            out.append(contentsOf: UTF8.encode(scalar).map { Array($0) } ?? [])
        }
    }
}
