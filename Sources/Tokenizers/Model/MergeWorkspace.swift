/// The symbols of one pre-token while they are merged, kept from one pre-token to the next so that nothing is allocated.
///
/// Byte-pair encoding (Sennrich et al., arXiv:1508.07909): of all adjacent pairs, the one of the lowest rank is merged, the
/// leftmost first, until no pair merges. Short words look for the lowest rank again after each merge; long ones keep the pairs
/// in a heap, so that a text without any split takes n log n.
struct MergeWorkspace {
    /// Words of more symbols than this take the heap.
    private static let shortLimit = 40

    var symbols: [Int32] = []
    private var pairs: [UInt64] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = RankHeap()
    private var recording: [MergeStep]?

    mutating func merge(_ table: MergeTable) {
        if symbols.count <= Self.shortLimit { mergeShort(table) } else { mergeLong(table) }
    }

    /// Merges, and gives every merge in the order it happened.
    mutating func recordedMerges(_ table: MergeTable) -> [MergeStep] {
        recording = []
        mergeLong(table)
        defer { recording = nil }
        return recording ?? []
    }

    private mutating func mergeShort(_ table: MergeTable) {
        if symbols.count < 2 { return }
        pairs.removeAll(keepingCapacity: true)
        for index in 0..<(symbols.count - 1) { pairs.append(table.find(symbols[index], symbols[index + 1])) }
        while let index = lowestPair() {
            symbols[index] = MergeTable.result(pairs[index])
            symbols.remove(at: index + 1)
            pairs.remove(at: index)
            if index > 0 { pairs[index - 1] = table.find(symbols[index - 1], symbols[index]) }
            if index < pairs.count { pairs[index] = table.find(symbols[index], symbols[index + 1]) }
        }
    }

    /// The leftmost pair of the lowest rank.
    private func lowestPair() -> Int? {
        var best = MergeTable.none
        var place: Int?
        for (index, pair) in pairs.enumerated() where pair < best {
            best = pair
            place = index
        }
        return place
    }

    private mutating func mergeLong(_ table: MergeTable) {
        if symbols.count < 2 { return }
        linkNeighbours()
        heap.removeAll()
        for index in 0..<(symbols.count - 1) { push(index, index + 1, table) }
        while let (rank, place) = heap.popLowest() {
            let follower = Int(next[place])
            // A symbol that was merged away has no follower; a pair that changed has another rank.
            if follower < 0 { continue }
            let pair = table.find(symbols[place], symbols[follower])
            if pair == MergeTable.none || MergeTable.rank(pair) != rank { continue }
            let result = MergeTable.result(pair)
            recording?.append(
                MergeStep(rank: rank, place: place, left: symbols[place], right: symbols[follower], result: result))
            join(place, follower, result, table)
        }
        symbols.removeAll { $0 == Self.merged }
    }

    /// Stands where a symbol was merged into the one before it.
    private static let merged: Int32 = -1

    private mutating func linkNeighbours() {
        let count = Int32(symbols.count)
        next = Array(1...count)
        next[symbols.count - 1] = -1
        previous = Array(-1..<(count - 1))
    }

    private mutating func join(_ place: Int, _ follower: Int, _ result: Int32, _ table: MergeTable) {
        let after = Int(next[follower])
        symbols[place] = result
        symbols[follower] = Self.merged
        next[follower] = -1
        next[place] = Int32(after)
        if after >= 0 {
            previous[after] = Int32(place)
            push(place, after, table)
        }
        let before = Int(previous[place])
        if before >= 0 { push(before, place, table) }
    }

    private mutating func push(_ left: Int, _ right: Int, _ table: MergeTable) {
        let pair = table.find(symbols[left], symbols[right])
        if pair != MergeTable.none { heap.push(rank: MergeTable.rank(pair), place: left) }
    }
}

/// A binary heap of (rank, place), lowest rank and then leftmost place first.
struct RankHeap {
    private var items: [UInt64] = []

    mutating func removeAll() { items.removeAll(keepingCapacity: true) }

    mutating func push(rank: Int32, place: Int) {
        let item = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(truncatingIfNeeded: place))
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if items[parent] <= item { break }
            items[child] = items[parent]
            child = parent
        }
        items[child] = item
    }

    mutating func popLowest() -> (rank: Int32, place: Int)? {
        guard let lowest = items.first, let last = items.popLast() else { return nil }
        if !items.isEmpty { sink(last) }
        return (Int32(truncatingIfNeeded: lowest >> 32), Int(UInt32(truncatingIfNeeded: lowest)))
    }

    private mutating func sink(_ item: UInt64) {
        var parent = 0
        while true {
            var child = 2 * parent + 1
            if child >= items.count { break }
            if child + 1 < items.count, items[child + 1] < items[child] { child += 1 }
            if items[child] >= item { break }
            items[parent] = items[child]
            parent = child
        }
        items[parent] = item
    }
}
