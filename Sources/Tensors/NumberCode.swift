/// A number as the bits of a format: sign, exponent and mantissa. Of formats in blocks these are the bits of an element whose scale is 1.
package struct NumberCode: Sendable, Hashable {
    package let format: NumberFormat
    /// The number that the bits stand for.
    package let number: Double
    package let isNegative: Bool
    /// The biased exponent.
    package let exponent: UInt64
    /// The digits behind the leading one, which is not stored.
    package let mantissa: UInt64

    /// Of the format's number nearest to x.
    package init(_ x: Double, in format: NumberFormat) {
        let number = format.nearest(x)
        let top = (UInt64(1) << UInt64(format.exponentBits)) - 1
        (self.format, self.number) = (format, number)
        isNegative = number.sign == .minus
        let magnitude = number.magnitude
        if number.isNaN {
            // IEEE 754's quiet NaN has the first digit set; OCP's E4M3 has one NaN, all ones.
            exponent = top
            mantissa = format.specials == .onlyNaN ? (1 << UInt64(format.mantissaBits)) - 1 : 1 << UInt64(format.mantissaBits - 1)
        } else if number.isInfinite {
            (exponent, mantissa) = (top, 0)
        } else if magnitude < format.minimumNormal {
            (exponent, mantissa) = (0, UInt64(magnitude / format.minimumSubnormal))
        } else {
            exponent = UInt64(Int(magnitude.exponent) + format.bias)
            let one = Double(UInt64(1) << UInt64(format.mantissaBits))
            mantissa = UInt64((magnitude.significand - 1) * one)
        }
    }

    package var signText: String { isNegative ? "1" : "0" }
    package var exponentText: String { NumberCode.digits(exponent, format.exponentBits) }
    package var mantissaText: String { NumberCode.digits(mantissa, format.mantissaBits) }

    /// Whether it is a number below the smallest normal one, and not zero.
    package var isSubnormal: Bool { exponent == 0 && mantissa != 0 }

    private static func digits(_ value: UInt64, _ count: Int) -> String {
        let text = String(value, radix: 2)
        return String(repeating: "0", count: max(0, count - text.utf8.count)) + text
    }
}

extension NumberFormat {
    /// Formats in which every number stands for itself, widest first.
    package static let scalars = all.filter { $0.block == nil }

    /// The distance between neighbours at x: one unit in the last place.
    package func spacing(at x: Double) -> Double {
        let exponent = x == 0 || !x.isFinite ? 1 - bias : Swift.max(Int(x.exponent), 1 - bias)
        return Double(sign: .plus, exponent: exponent - mantissaBits, significand: 1)
    }

    /// The format's smallest number above x; nil if there is none.
    package func above(_ x: Double) -> Double? {
        if x.isNaN { return nil }
        return x < 0 ? below(magnitude: -x).map { -$0 } : above(magnitude: x)
    }

    /// The format's largest number below x; nil if there is none.
    package func below(_ x: Double) -> Double? { above(-x).map { -$0 } }

    private func above(magnitude x: Double) -> Double? {
        let beyond: Double? = specials == .infinityAndNaN && x < .infinity ? .infinity : nil
        guard x < maximum else { return beyond }
        let spacing = spacing(at: x)
        let next = (x / spacing).rounded(.down) * spacing + spacing
        return flushesSubnormals ? Swift.max(next, minimumNormal) : next
    }

    private func below(magnitude x: Double) -> Double? {
        if x > maximum { return maximum }
        // Below a power of two the numbers lie twice as near.
        let isPower = x.significand == 1 && Int(x.exponent) > 1 - bias
        let spacing = spacing(at: x) / (isPower ? 2 : 1)
        let next = (x / spacing).rounded(.up) * spacing - spacing
        return flushesSubnormals && next < minimumNormal ? 0 : next
    }
}

extension Statistics {
    /// How many elements would be subnormal in a format: smaller than its least normal number, and not zero.
    package func subnormals(in format: NumberFormat) -> Int {
        let end = 128 - format.bias
        guard end > 0 else { return 0 }
        return (0..<Swift.min(end, 255)).reduce(0) { $0 + Int(exponents[$1]) + Int(exponents[$1 + 256]) } - zeros
    }

    /// How many elements have each exponent, from −127 (zeros and what is subnormal in fp32) to 127, signs put together.
    package var magnitudes: [Int] { (0..<255).map { Int(exponents[$0]) + Int(exponents[$0 + 256]) } }
}
