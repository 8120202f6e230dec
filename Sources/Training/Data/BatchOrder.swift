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

struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, each equally likely: the upper half of a 128-bit product, drawn again in the short rest (Lemire 2019).
    mutating func below(_ bound: Int) -> Int {
        let bound = UInt64(max(1, bound))
        let threshold = (0 &- bound) % bound
        while true {
            let product = next().multipliedFullWidth(by: bound)
            if product.low >= threshold { return Int(product.high) }
        }
    }
}
