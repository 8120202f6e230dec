import RealModule
import Tensors

/// A number of fp32 whose operations round up or down at random, nearer neighbours more often, so that the mean is exact: stochastic rounding,
/// a sample of what rounding may do (Parker 1997, Monte Carlo Arithmetic; Croci et al. 2022, doi 10.1098/rsos.211631). The choice is a hash of
/// what went in, so a seed gives the same sample everywhere, whatever the order in which elements are computed.
package struct Shaken: Sendable {
    package var number: Double
    /// Of the coming roundings; 0: a constant, which has none of its own.
    private var seed: UInt64

    package init(exactly number: Double) { (self.number, seed) = (number, 0) }

    package init(_ number: Double, seed: UInt64) { (self.number, self.seed) = (number, seed) }

    /// The result of an operation on one or two operands, rounded to fp32.
    private init(rounding number: Double, _ a: Shaken, _ b: Shaken? = nil) {
        let operands = a.seed &* 3 &+ (b?.seed ?? 0)
        seed = SplitMix64.mix(operands &+ number.bitPattern)
        self.number = NumberFormat.fp32.shaken(number, by: seed)
    }

    package static func + (a: Shaken, b: Shaken) -> Shaken { Shaken(rounding: a.number + b.number, a, b) }
    package static func * (a: Shaken, b: Shaken) -> Shaken { Shaken(rounding: a.number * b.number, a, b) }
    package static func / (a: Shaken, b: Shaken) -> Shaken { Shaken(rounding: a.number / b.number, a, b) }
    package static prefix func - (a: Shaken) -> Shaken { Shaken(-a.number, seed: a.seed) }

    private func mapped(_ f: (Double) -> Double) -> Shaken { Shaken(rounding: f(number), self) }

    /// The same where it is kept in a format.
    package func stored(in format: NumberFormat) -> Shaken {
        let next = SplitMix64.mix(seed &+ 1)
        return Shaken(format.shaken(number, by: next), seed: next)
    }
}

extension Shaken: WrappedNumber {
    package static func exp(_ x: Shaken) -> Shaken { x.mapped(Double.exp) }
    package static func expMinusOne(_ x: Shaken) -> Shaken { x.mapped(Double.expMinusOne) }
    package static func cosh(_ x: Shaken) -> Shaken { x.mapped(Double.cosh) }
    package static func sinh(_ x: Shaken) -> Shaken { x.mapped(Double.sinh) }
    package static func tanh(_ x: Shaken) -> Shaken { x.mapped(Double.tanh) }
    package static func cos(_ x: Shaken) -> Shaken { x.mapped(Double.cos) }
    package static func sin(_ x: Shaken) -> Shaken { x.mapped(Double.sin) }
    package static func tan(_ x: Shaken) -> Shaken { x.mapped(Double.tan) }
    package static func log(_ x: Shaken) -> Shaken { x.mapped { Double.log($0) } }
    package static func log2(_ x: Shaken) -> Shaken { x.mapped(Double.log2) }
    package static func log10(_ x: Shaken) -> Shaken { x.mapped(Double.log10) }
    package static func acosh(_ x: Shaken) -> Shaken { x.mapped(Double.acosh) }
    package static func asinh(_ x: Shaken) -> Shaken { x.mapped(Double.asinh) }
    package static func atanh(_ x: Shaken) -> Shaken { x.mapped(Double.atanh) }
    package static func acos(_ x: Shaken) -> Shaken { x.mapped(Double.acos) }
    package static func asin(_ x: Shaken) -> Shaken { x.mapped(Double.asin) }
    package static func atan(_ x: Shaken) -> Shaken { x.mapped(Double.atan) }
    package static func erf(_ x: Shaken) -> Shaken { x.mapped(Double.erf) }
    package static func erfc(_ x: Shaken) -> Shaken { x.mapped(Double.erfc) }
    package static func exp2(_ x: Shaken) -> Shaken { x.mapped(Double.exp2) }
    package static func gamma(_ x: Shaken) -> Shaken { x.mapped(Double.gamma) }
    package static func logGamma(_ x: Shaken) -> Shaken { x.mapped(Double.logGamma) }
    package static func sqrt(_ x: Shaken) -> Shaken { x.mapped { $0.squareRoot() } }
    package static func log(onePlus x: Shaken) -> Shaken { x.mapped { Double.log(onePlus: $0) } }
    package static func pow(_ x: Shaken, _ y: Shaken) -> Shaken { Shaken(rounding: .pow(x.number, y.number), x, y) }
    package static func pow(_ x: Shaken, _ n: Int) -> Shaken { x.mapped { .pow($0, n) } }
    package static func root(_ x: Shaken, _ n: Int) -> Shaken { x.mapped { .root($0, n) } }
    package static func atan2(y: Shaken, x: Shaken) -> Shaken { Shaken(rounding: .atan2(y: y.number, x: x.number), y, x) }
    package static func hypot(_ x: Shaken, _ y: Shaken) -> Shaken { Shaken(rounding: .hypot(x.number, y.number), x, y) }
}

extension NumberFormat {
    /// One of the two neighbours of x, the nearer one more often, by the bits of a hash. What lies beyond the largest number, and a format
    /// in blocks, is rounded as always.
    package func shaken(_ x: Double, by bits: UInt64) -> Double {
        guard x.isFinite, isElementwise, abs(x) < maximum else { return nearest(x) }
        let exponent = Swift.max(x == 0 ? 1 - bias : Int(x.magnitude.exponent), 1 - bias)
        let spacing = Double(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
        let scaled = x / spacing
        let low = scaled.rounded(.down)
        let share = Double(bits >> 11) * 0x1p-53
        let result = (share < scaled - low ? low + 1 : low) * spacing
        return flushesSubnormals && abs(result) < minimumNormal ? 0 : result
    }
}
