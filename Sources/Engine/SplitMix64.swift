/// SplitMix64 (Steele, Lea and Flood 2014, Fast Splittable Pseudorandom Number Generators): the same numbers for the same state, everywhere.
package struct SplitMix64: RandomNumberGenerator, Sendable {
    /// The odd number nearest to 2⁶⁴ divided by the golden ratio: what the state grows by.
    package static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

    private var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= SplitMix64.step
        return SplitMix64.mix(state)
    }

    /// A number below `bound`, each equally likely: the upper half of a 128-bit product, drawn again in the short rest (Lemire 2019).
    package mutating func below(_ bound: Int) -> Int {
        let bound = UInt64(max(1, bound))
        let threshold = (0 &- bound) % bound
        while true {
            let product = next().multipliedFullWidth(by: bound)
            if product.low >= threshold { return Int(product.high) }
        }
    }

    /// The finalizer alone, for numbers by counter.
    package static func mix(_ state: UInt64) -> UInt64 {
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
