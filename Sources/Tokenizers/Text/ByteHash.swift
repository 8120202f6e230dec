/// A fast hash of bytes, seeded anew in every process, so that no file can be made to collide.
enum ByteHash {
    private static let seed = UInt64.random(in: .min ... .max) | 1

    @inline(__always)
    private static func mix(_ hash: UInt64, _ word: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    /// The hash of `bytes[start..<end]`.
    @inline(__always)
    static func hash(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, seed: UInt64) -> UInt64 {
        let raw = bytes.bytes
        let count = end - start
        var hash = seed ^ UInt64(truncatingIfNeeded: count)
        var at = start
        while end - at >= 8 {
            hash = mix(hash, raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        var tail: UInt64 = 0
        if end - at >= 4 {
            tail = UInt64(raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt32.self))
            at += 4
        }
        while at < end {
            tail = tail << 8 | UInt64(bytes[at])
            at += 1
        }
        return mix(mix(hash, tail), seed)
    }

    /// The seed of this process.
    static var processSeed: UInt64 { seed }
}
