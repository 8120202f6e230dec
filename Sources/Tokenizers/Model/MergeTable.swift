/// The merges by their two parts: an open-addressing table keyed by both ids in one word.
struct MergeTable: Sendable {
    /// Slot s: key at 2s, rank and result at 2s + 1.
    private var slots: [UInt64]
    private let shift: UInt64
    private let mask: Int
    private let factor: UInt64
    private(set) var count = 0

    /// Not a key: ids are below 2^31.
    private static let empty = UInt64.max
    /// What `find` gives for a pair that does not merge; larger than every rank.
    static let none = UInt64.max

    init(capacity: Int) {
        var bits: UInt64 = 4
        while (1 << bits) < capacity * 2 { bits += 1 }
        slots = Array(repeating: Self.empty, count: 2 << Int(bits))
        shift = 64 - bits
        mask = (1 << Int(bits)) - 1
        factor = ByteHash.processSeed &* 0x9E37_79B9_7F4A_7C15 | 1
    }

    @inline(__always)
    private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    @inline(__always)
    private func home(_ key: UInt64) -> Int {
        let product = key.multipliedFullWidth(by: factor)
        return Int(truncatingIfNeeded: ((product.high ^ product.low) &* factor) >> shift)
    }

    /// Rank in the high half, result in the low half; `none` if the pair does not merge.
    @inline(__always)
    func find(_ left: Int32, _ right: Int32) -> UInt64 {
        let key = Self.key(left, right)
        var slot = home(key)
        while true {
            let present = slots[2 * slot]
            if present == key { return slots[2 * slot + 1] }
            if present == Self.empty { return Self.none }
            slot = (slot + 1) & mask
        }
    }

    /// A pair that is listed twice has the later rank, as in Hugging Face tokenizers. At most `capacity` pairs are held.
    mutating func insert(_ left: Int32, _ right: Int32, rank: Int32, result: Int32) {
        let key = Self.key(left, right)
        var slot = home(key)
        while slots[2 * slot] != Self.empty, slots[2 * slot] != key { slot = (slot + 1) & mask }
        if slots[2 * slot] == Self.empty { count += 1 }
        slots[2 * slot] = key
        slots[2 * slot + 1] = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: result))
    }

    @inline(__always) static func rank(_ entry: UInt64) -> Int32 { Int32(truncatingIfNeeded: entry >> 32) }
    @inline(__always) static func result(_ entry: UInt64) -> Int32 { Int32(truncatingIfNeeded: entry) }
}
