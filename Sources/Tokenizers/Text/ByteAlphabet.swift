/// The 256 printable scalars that byte-level vocabularies write for the 256 bytes (GPT-2's `bytes_to_unicode`): a byte that is a
/// printable Latin-1 character stands for itself, the others take U+0100 and up in order.
enum ByteAlphabet {
    /// The scalar of each byte.
    static let scalars: [UInt32] = {
        var next: UInt32 = 0x100
        return (UInt32(0)..<256).map { byte in
            if (33...126).contains(byte) || (161...172).contains(byte) || byte >= 174 { return byte }
            defer { next += 1 }
            return next
        }
    }()

    /// The UTF-8 form of each byte's scalar.
    static let spellings: [[UInt8]] = scalars.map { scalar in
        var bytes: [UInt8] = []
        UTF8Text.append(scalar, to: &bytes)
        return bytes
    }

    /// The byte of each scalar below U+0144, or -1.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar)] = Int16(byte) }
        return bytes
    }()

    static func byte(of scalar: UInt32) -> UInt8? {
        guard scalar < 0x144, bytes[Int(scalar)] >= 0 else { return nil }
        return UInt8(bytes[Int(scalar)])
    }

    /// The bytes that a spelling stands for; nil if it has a scalar outside the alphabet.
    static func bytes(of spelling: Span<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(spelling.count)
        var at = 0
        while at < spelling.count {
            let (value, length) = UTF8Text.scalar(spelling, at, spelling.count)
            guard let byte = byte(of: value) else { return nil }
            result.append(byte)
            at += length
        }
        return result
    }
}
