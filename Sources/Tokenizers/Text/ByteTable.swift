/// A map from byte strings to numbers: keys lie one after the other in one array, slots are probed in line. Keys are compared
/// byte by byte; Swift's `String` equality would merge é composed and decomposed.
struct ByteTable: Sendable {
    private var keys: [UInt8] = []
    /// Entry i is `keys[ends[i] ..< ends[i + 1]]`.
    private var ends: [UInt32] = [0]
    private var values: [Int32] = []
    /// High half: part of the hash. Low half: entry + 1, or 0 for an empty slot.
    private var slots: [UInt64]
    private var mask: Int
    private let seed = ByteHash.processSeed

    /// Room for `capacity` entries without growing.
    init(capacity: Int = 16, bytes: Int = 0) {
        let count = Self.slotCount(for: capacity)
        slots = Array(repeating: 0, count: count)
        mask = count - 1
        values.reserveCapacity(capacity)
        ends.reserveCapacity(capacity + 1)
        keys.reserveCapacity(bytes)
    }

    private static func slotCount(for entries: Int) -> Int {
        var count = 32
        while count < entries * 2 { count *= 2 }
        return count
    }

    var count: Int { values.count }

    /// The key of entry `entry`, in the order of insertion.
    func key(_ entry: Int) -> ArraySlice<UInt8> { keys[Int(ends[entry])..<Int(ends[entry + 1])] }

    /// The value of `bytes[start..<end]`.
    @inline(__always)
    func find(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Int32? {
        let hash = ByteHash.hash(bytes, start, end, seed: seed)
        var slot = Int(truncatingIfNeeded: hash) & mask
        while true {
            let content = slots[slot]
            if content == 0 { return nil }
            if content >> 32 == hash >> 32 {
                let entry = Int(content & 0xFFFF_FFFF) - 1
                if equals(entry, bytes, start, end) { return values[entry] }
            }
            slot = (slot + 1) & mask
        }
    }

    func find(_ bytes: Span<UInt8>) -> Int32? { find(bytes, 0, bytes.count) }
    func find(_ bytes: [UInt8]) -> Int32? { find(bytes.span) }

    @inline(__always)
    private func equals(_ entry: Int, _ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        let first = Int(ends[entry])
        guard Int(ends[entry + 1]) - first == end - start else { return false }
        for offset in 0..<(end - start) where keys[first + offset] != bytes[start + offset] { return false }
        return true
    }

    /// Adds a key; gives the value it already has, and changes nothing, if it is there. At most 2^32 bytes of keys are held
    /// (files are far smaller); a key beyond them is not added.
    mutating func insert(_ bytes: Span<UInt8>, _ start: Int, _ end: Int, _ value: Int32) -> Int32? {
        if let present = find(bytes, start, end) { return present }
        guard keys.count + (end - start) <= Int(UInt32.max), values.count < Int(Int32.max) else { return nil }
        for at in start..<end { keys.append(bytes[at]) }
        ends.append(UInt32(keys.count))
        values.append(value)
        if values.count * 2 > slots.count { grow() }
        place(values.count, ByteHash.hash(bytes, start, end, seed: seed))
        return nil
    }

    mutating func insert(_ bytes: Span<UInt8>, _ value: Int32) -> Int32? { insert(bytes, 0, bytes.count, value) }

    private mutating func place(_ number: Int, _ hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = (hash >> 32) << 32 | UInt64(number)
    }

    /// Doubles the slots; the newest entry is placed by the caller.
    private mutating func grow() {
        slots = Array(repeating: 0, count: slots.count * 2)
        mask = slots.count - 1
        for entry in 0..<(values.count - 1) {
            place(entry + 1, ByteHash.hash(keys.span, Int(ends[entry]), Int(ends[entry + 1]), seed: seed))
        }
    }
}
