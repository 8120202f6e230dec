/// A format to which a value is rounded when it is stored. What a number *is* in memory is `ElementType`; this says which numbers it may be.
package struct NumberFormat: Hashable, Sendable {
    package let name: String
    package let exponentBits: Int
    /// Explicit bits of the significand, without the leading one.
    package let mantissaBits: Int
    /// False for formats whose largest exponent holds numbers (fp8 E4M3 as in OCP OFP8).
    package let hasInfinity: Bool

    package static let fp64 = NumberFormat(name: "fp64", exponentBits: 11, mantissaBits: 52, hasInfinity: true)
    package static let fp32 = NumberFormat(name: "fp32", exponentBits: 8, mantissaBits: 23, hasInfinity: true)
    package static let tf32 = NumberFormat(name: "tf32", exponentBits: 8, mantissaBits: 10, hasInfinity: true)
    package static let bf16 = NumberFormat(name: "bf16", exponentBits: 8, mantissaBits: 7, hasInfinity: true)
    package static let fp16 = NumberFormat(name: "fp16", exponentBits: 5, mantissaBits: 10, hasInfinity: true)
    package static let fp8e4m3 = NumberFormat(name: "fp8e4m3", exponentBits: 4, mantissaBits: 3, hasInfinity: false)
    package static let fp8e5m2 = NumberFormat(name: "fp8e5m2", exponentBits: 5, mantissaBits: 2, hasInfinity: true)

    package static let all: [NumberFormat] = [fp64, fp32, tf32, bf16, fp16, fp8e4m3, fp8e5m2]

    package var bias: Int { (1 << (exponentBits - 1)) - 1 }

    /// The largest finite number.
    package var maximum: Double {
        let top = hasInfinity ? (1 << exponentBits) - 2 : (1 << exponentBits) - 1
        let fraction = hasInfinity ? 2 - scaled(1, -mantissaBits) : 2 - scaled(1, 1 - mantissaBits)
        return scaled(fraction, top - bias)
    }

    /// The smallest normal number.
    package var minimumNormal: Double { scaled(1, 1 - bias) }

    private func scaled(_ x: Double, _ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: x) }
}
