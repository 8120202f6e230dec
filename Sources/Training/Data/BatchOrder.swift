import Engine

/// The order of a data set's rows in an epoch: a Fisher–Yates shuffle (Durstenfeld 1964) driven by SplitMix64 (Steele et al. 2014), whose
/// state is the seed mixed with the epoch's number. So an order needs no history: seed and epoch give it.
package enum BatchOrder {
    package static func indices(_ count: Int, shuffle: Bool, seed: UInt64, epoch: Int) -> [Int] {
        var order = Array(0..<count)
        guard shuffle, count > 1 else { return order }
        var generator = SplitMix64(state: seed)
        generator = SplitMix64(state: generator.next() ^ UInt64(bitPattern: Int64(epoch)))
        for index in stride(from: count - 1, to: 0, by: -1) { order.swapAt(index, generator.below(index + 1)) }
        return order
    }
}
