/// Reads bytes as UTF-8, strictly, and reports each byte that is none.
///
/// Swift's own decoding replaces bad bytes by U+FFFD, which hides them: a learner must see which bytes a token holds.
struct UTF8Reader {
    enum Element: Equatable {
        case scalar(Unicode.Scalar)
        case invalid(UInt8)
    }

    /// The scalars and stray bytes of `bytes`, in order.
    static func elements(_ bytes: some Sequence<UInt8>) -> [Element] {
        let bytes = Array(bytes)
        var result: [Element] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            if let (scalar, length) = decode(bytes[index...]) {
                result.append(.scalar(scalar))
                index += length
            } else {
                result.append(.invalid(bytes[index]))
                index += 1
            }
        }
        return result
    }

    /// The scalar at the start of `bytes` and its length; nil where Unicode's table 3-7 has no well-formed sequence.
    private static func decode(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
        guard let lead = bytes.first else { return nil }
        if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
        guard let (length, bits) = shape(lead), bytes.count >= length else { return nil }
        var value = bits
        for byte in bytes.dropFirst().prefix(length - 1) {
            guard byte & 0xC0 == 0x80 else { return nil }
            value = value << 6 | UInt32(byte & 0x3F)
        }
        let least: [UInt32] = [0, 0, 0x80, 0x800, 0x10000]
        guard value >= least[length], let scalar = Unicode.Scalar(value) else { return nil }
        return (scalar, length)
    }

    /// The length a lead byte announces and the bits it carries.
    private static func shape(_ lead: UInt8) -> (Int, UInt32)? {
        switch lead {
        case 0xC2...0xDF: (2, UInt32(lead & 0x1F))
        case 0xE0...0xEF: (3, UInt32(lead & 0x0F))
        case 0xF0...0xF4: (4, UInt32(lead & 0x07))
        default: nil
        }
    }
}
