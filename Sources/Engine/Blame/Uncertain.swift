import RealModule
import Tensors

/// A number with how far a computation in fp32 may be from it: what an op's own formula, run with this in the place of Float, says that
/// rounding explains. Running error analysis (Wilkinson 1963; Higham 2002, section 3.3): each operation adds half a unit of the last place of
/// its result, and what its operands are off by goes through its derivative. The bound adds these up; the variance takes them as independent,
/// each even between its ends (Higham and Mary 2019, doi 10.1137/18M1226312), which for long sums is far less.
package struct Uncertain: Sendable {
    package var number: Double
    /// No order of roundings is further off.
    package var bound = 0.0
    /// Of the rounding errors.
    package var variance = 0.0
    /// Of a running sum the sum of the terms' magnitudes: in another order its parts may be as large.
    var mass: Double

    package init(exactly number: Double) { (self.number, mass) = (number, abs(number)) }

    package init(_ number: Double, bound: Double, variance: Double) {
        (self.number, self.bound, self.variance, mass) = (number, bound, variance, abs(number))
    }

    /// Half a unit of fp32 at 1: an operation's result is off by at most this share of itself.
    static let unit = 0x1p-24
    /// exp, tanh and their like are not correctly rounded: libraries and vector code are off by up to two units.
    static let functionUnit = 4 * unit

    private init(_ number: Double, _ bound: Double, _ variance: Double, rounding: Double, mass: Double? = nil) {
        self.number = number
        self.bound = bound + rounding
        self.variance = variance + rounding * rounding / 3
        self.mass = mass ?? abs(number)
    }

    /// Half a unit in fp32's last place of a number; infinite where fp32 has none.
    private static func halfStep(_ number: Double) -> Double {
        if !number.isFinite { return 0 }
        let single = Float(number)
        return single.isFinite ? Double(single.ulp) / 2 : .infinity
    }

    /// Infinity times nothing is nothing: an exact operand carries no error, however large its partner.
    private static func times(_ a: Double, _ b: Double) -> Double { a == 0 || b == 0 ? 0 : a * b }

    package static func + (a: Uncertain, b: Uncertain) -> Uncertain {
        let number = a.number + b.number
        let mass = a.mass + b.mass
        // Two numbers are added in one way; with the third the order matters.
        let isSum = a.mass > abs(a.number) || b.mass > abs(b.number)
        var sum = Uncertain(number, a.bound + b.bound, a.variance + b.variance, rounding: halfStep(number), mass: mass)
        if isSum { sum.bound += times(unit, 1.5 * mass) }
        return sum
    }

    package static func * (a: Uncertain, b: Uncertain) -> Uncertain {
        let number = a.number * b.number
        let bound = times(abs(a.number), b.bound) + times(abs(b.number), a.bound) + times(a.bound, b.bound)
        let variance = times(a.number * a.number, b.variance) + times(b.number * b.number, a.variance)
        return Uncertain(number, bound, variance, rounding: halfStep(number))
    }

    package static func / (a: Uncertain, b: Uncertain) -> Uncertain {
        let number = a.number / b.number
        let least = abs(b.number) - b.bound
        let error = a.bound + times(abs(number), b.bound)
        let bound = error == 0 ? 0 : least > 0 ? error / least : .infinity
        let variance = (a.variance + times(number * number, b.variance)) / (b.number * b.number)
        return Uncertain(number, bound, variance.isNaN ? 0 : variance, rounding: halfStep(number))
    }

    package static prefix func - (a: Uncertain) -> Uncertain {
        var result = a
        result.number = -a.number
        return result
    }

    /// f of it, with the slope of f there.
    func mapped(_ number: Double, slope: Double, unit: Double = functionUnit) -> Uncertain {
        let slope = abs(slope)
        let squared = Uncertain.times(slope * slope, variance)
        let rounding = max(Uncertain.times(unit, abs(number)), Uncertain.halfStep(number))
        return Uncertain(number, Uncertain.times(slope, bound), squared, rounding: rounding)
    }

    /// The same where it is kept in a format.
    package func stored(in format: NumberFormat) -> Uncertain {
        let largest = abs(number) + bound
        var step = format.halfStep(at: largest)
        if format.flushesSubnormals && abs(number) - bound < format.minimumNormal { step = max(step, format.minimumNormal) }
        return Uncertain(number, bound, variance, rounding: step)
    }
}

extension NumberFormat {
    /// Half the distance of its numbers at a magnitude; infinite where it has none any more.
    func halfStep(at magnitude: Double) -> Double {
        if !magnitude.isFinite { return 0 }
        let exponent = magnitude > 0 ? max(Int(magnitude.exponent), 1 - bias) : 1 - bias
        let half = Double(sign: .plus, exponent: exponent - mantissaBits - 1, significand: 1)
        return magnitude > maximum + half ? .infinity : half
    }
}

extension Uncertain: WrappedNumber {
    package static func exp(_ x: Uncertain) -> Uncertain {
        let number = Double.exp(x.number)
        var result = x.mapped(number, slope: number)
        // Of a wide range the exponential is far from straight.
        if x.bound > 1e-3 { result.bound += times(number, Double.expMinusOne(min(x.bound, 700)) - x.bound) }
        return result
    }

    package static func tanh(_ x: Uncertain) -> Uncertain {
        let number = Double.tanh(x.number)
        return x.mapped(number, slope: x.bound > 0.1 ? 1 : 1 - number * number)
    }

    package static func cos(_ x: Uncertain) -> Uncertain { x.mapped(.cos(x.number), slope: min(1, abs(.sin(x.number)) + x.bound)) }
    package static func sin(_ x: Uncertain) -> Uncertain { x.mapped(.sin(x.number), slope: min(1, abs(.cos(x.number)) + x.bound)) }
    package static func log(_ x: Uncertain) -> Uncertain { x.mapped(.log(x.number), slope: 1 / max(x.number - x.bound, 0)) }
    package static func erf(_ x: Uncertain) -> Uncertain {
        x.mapped(.erf(x.number), slope: 1.1283791670955126 * Double.exp(-x.number * x.number))
    }

    package static func sqrt(_ x: Uncertain) -> Uncertain {
        let number = x.number.squareRoot()
        return x.mapped(number, slope: x.number > 0 ? 0.5 / number : x.bound > 0 ? .infinity : 0, unit: unit)
    }

    /// Of a power both operands count: d(xʸ) = y·xʸ⁻¹·dx + xʸ·log x·dy.
    package static func pow(_ x: Uncertain, _ y: Uncertain) -> Uncertain {
        let number = Double.pow(x.number, y.number)
        let slopes = (y.number * number / x.number, number * Double.log(x.number))
        var result = x.mapped(number, slope: slopes.0)
        result.bound += times(abs(slopes.1), y.bound)
        result.variance += times(slopes.1 * slopes.1, y.variance)
        return result
    }

    package static func pow(_ x: Uncertain, _ n: Int) -> Uncertain { pow(x, Uncertain(exactly: Double(n))) }
    package static func root(_ x: Uncertain, _ n: Int) -> Uncertain { pow(x, Uncertain(exactly: 1 / Double(n))) }

    // What no op's formula takes is measured at the ends of the range.
    private static func between(_ x: Uncertain, _ f: (Double) -> Double) -> Uncertain {
        let (number, step) = (f(x.number), max(x.bound, abs(x.number) * 1e-9, 1e-300))
        return x.mapped(number, slope: max(abs(f(x.number + step) - number), abs(f(x.number - step) - number)) / step)
    }

    package static func expMinusOne(_ x: Uncertain) -> Uncertain { between(x, Double.expMinusOne) }
    package static func cosh(_ x: Uncertain) -> Uncertain { between(x, Double.cosh) }
    package static func sinh(_ x: Uncertain) -> Uncertain { between(x, Double.sinh) }
    package static func tan(_ x: Uncertain) -> Uncertain { between(x, Double.tan) }
    package static func log(onePlus x: Uncertain) -> Uncertain { between(x) { Double.log(onePlus: $0) } }
    package static func acosh(_ x: Uncertain) -> Uncertain { between(x, Double.acosh) }
    package static func asinh(_ x: Uncertain) -> Uncertain { between(x, Double.asinh) }
    package static func atanh(_ x: Uncertain) -> Uncertain { between(x, Double.atanh) }
    package static func acos(_ x: Uncertain) -> Uncertain { between(x, Double.acos) }
    package static func asin(_ x: Uncertain) -> Uncertain { between(x, Double.asin) }
    package static func atan(_ x: Uncertain) -> Uncertain { between(x, Double.atan) }
    package static func erfc(_ x: Uncertain) -> Uncertain { between(x, Double.erfc) }
    package static func exp2(_ x: Uncertain) -> Uncertain { between(x, Double.exp2) }
    package static func gamma(_ x: Uncertain) -> Uncertain { between(x, Double.gamma) }
    package static func log2(_ x: Uncertain) -> Uncertain { between(x, Double.log2) }
    package static func log10(_ x: Uncertain) -> Uncertain { between(x, Double.log10) }
    package static func logGamma(_ x: Uncertain) -> Uncertain { between(x, Double.logGamma) }
    package static func atan2(y: Uncertain, x: Uncertain) -> Uncertain { atan(y / x) }
    package static func hypot(_ x: Uncertain, _ y: Uncertain) -> Uncertain { sqrt(x * x + y * y) }
}
