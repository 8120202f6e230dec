import Tensors
import Testing

/// Numbers as bits, and their neighbours in each format.
struct NumberCodeTests {
    static let narrow = NumberFormat.scalars.filter { $0.exponentBits + $0.mantissaBits < 16 }

    /// What sign, exponent and mantissa stand for: IEEE 754-2019, section 3.4, and OCP OFP8 and MX v1.0 for what narrow formats do with the
    /// largest exponent.
    private static func number(_ format: NumberFormat, _ exponent: Int, _ mantissa: Int) -> Double {
        let isTop = exponent == (1 << format.exponentBits) - 1
        if isTop, format.specials == .infinityAndNaN { return mantissa == 0 ? .infinity : .nan }
        if isTop, format.specials == .onlyNaN, mantissa == (1 << format.mantissaBits) - 1 { return .nan }
        let fraction = Double(mantissa) / Double(1 << format.mantissaBits)
        return exponent == 0
            ? Double(sign: .plus, exponent: 1 - format.bias, significand: 1) * fraction
            : Double(sign: .plus, exponent: exponent - format.bias, significand: 1 + fraction)
    }

    /// Every code of a format, ascending from zero.
    private static func magnitudes(_ format: NumberFormat) -> [(exponent: Int, mantissa: Int, number: Double)] {
        (0..<1 << (format.exponentBits + format.mantissaBits)).map { code in
            let (exponent, mantissa) = (code >> format.mantissaBits, code & ((1 << format.mantissaBits) - 1))
            return (exponent, mantissa, number(format, exponent, mantissa))
        }
    }

    @Test(arguments: narrow) func everyCodeIsItsOwnNumbers(_ format: NumberFormat) {
        for code in Self.magnitudes(format) where !code.number.isNaN {
            for sign in [1.0, -1] {
                let found = NumberCode(code.number * sign, in: format)
                #expect(found.exponent == code.exponent && found.mantissa == code.mantissa && found.isNegative == (sign < 0))
                #expect(found.number == code.number * sign)
            }
        }
    }

    @Test(arguments: narrow) func neighboursAreTheNextCodes(_ format: NumberFormat) {
        let numbers = Self.magnitudes(format).map(\.number).filter { !$0.isNaN }
        for (low, high) in zip(numbers, numbers.dropFirst()) {
            #expect(format.above(low) == high && format.below(high) == low)
            #expect(format.above(-high) == -low && format.below(-low) == -high)
            guard high.isFinite else { continue }
            let between = (low + high) / 2
            #expect(format.above(between) == high && format.below(between) == low)
            #expect(format.spacing(at: between) == high - low)
        }
        #expect(format.below(0) == -numbers[1])
        #expect((format.above(format.maximum) == nil) == (format.specials != .infinityAndNaN))
    }

    @Test func wideFormatsAreTheProcessorsBits() {
        for x in [1.0, -2.5, 0.1, 0x1p-1030, Double.leastNonzeroMagnitude, 1.7e308, .pi, 0, -0.0, .infinity] {
            let code = NumberCode(x, in: .fp64)
            let bits = UInt64(code.isNegative ? 1 : 0) << 63 | code.exponent << 52 | code.mantissa
            #expect(bits == x.bitPattern && code.exponentText.utf8.count == 11 && code.mantissaText.utf8.count == 52)
            let single = NumberCode(x, in: .fp32)
            #expect(UInt32(single.isNegative ? 1 : 0) << 31 | UInt32(single.exponent << 23 | single.mantissa) == Float(x).bitPattern)
            #expect(NumberFormat.fp64.above(x) ?? .nan == x.nextUp || x == .infinity)
            #expect(NumberFormat.fp64.below(x) == x.nextDown)
        }
        #expect(NumberCode(.nan, in: .fp16).mantissaText == "1000000000" && NumberCode(.nan, in: .fp8e4m3).mantissaText == "111")
    }

    /// Counted from exponents alone, as one by one.
    @Test(arguments: [NumberFormat.fp16, .bf16, .fp8e4m3, .fp8e5m2, .fp32]) func subnormalsAreCounted(_ format: NumberFormat) throws {
        let numbers: [Float] = (0..<600).map { Float(sign: $0 % 2 == 0 ? .plus : .minus, exponent: 20 - $0 % 150, significand: 1.25) }
        let all = numbers + [0, -0.0, .nan, .infinity, .leastNonzeroMagnitude, -0x1p-128]
        let statistics = try Statistics(of: Tensor(Shape((.item, all.count)), all), threads: 1)
        let expected = all.count { $0.isFinite && $0 != 0 && Double($0.magnitude) < format.minimumNormal }
        #expect(expected > 0 && statistics.subnormals(in: format) == expected)
    }
}
