import RealModule

/// Normal numbers by counter: each depends on seed, name and index alone, so a value that is computed again, in another order or in
/// part, gets the same noise.
package struct EditNoise: Sendable {
    private let key: UInt64

    package init(seed: UInt64, name: String) {
        // FNV-1a of the name keeps values of equal shape apart.
        let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        key = EditNoise.mixed(seed &+ hash)
    }

    /// A standard normal number (Box and Muller 1958).
    package func normal(at index: [Int]) -> Double {
        let counter = index.reduce(key) { EditNoise.mixed($0 ^ UInt64(bitPattern: Int64($1))) }
        let (a, b) = (EditNoise.uniform(counter), EditNoise.uniform(EditNoise.mixed(counter)))
        return (-2 * Double.log(a)).squareRoot() * Double.cos(2 * Double.pi * b)
    }

    /// Above 0 and below 1.
    private static func uniform(_ bits: UInt64) -> Double { (Double(bits >> 11) + 0.5) * 0x1p-53 }

    private static func mixed(_ state: UInt64) -> UInt64 { SplitMix64.mix(state &+ SplitMix64.step) }
}
