import RealModule

/// A number that carries more than its size through formulas that are written for any width: all that asks for size, order or bits asks the
/// number alone.
package protocol WrappedNumber: Real, BinaryFloatingPoint, Sendable
where
    RawSignificand == UInt64, RawExponent == UInt, Exponent == Int, Magnitude == Self, Stride == Self, FloatLiteralType == Double,
    IntegerLiteralType == Int64
{
    var number: Double { get set }
    init(exactly number: Double)
}

extension WrappedNumber {
    package init(floatLiteral value: Double) { self.init(exactly: value) }
    package init(integerLiteral value: Int64) { self.init(exactly: Double(value)) }
    package init(_ value: Int) { self.init(exactly: Double(value)) }
    package init<Source: BinaryInteger>(_ value: Source) { self.init(exactly: Double(value)) }
    package init?<Source: BinaryInteger>(exactly value: Source) {
        guard let value = Double(exactly: value) else { return nil }
        self.init(exactly: value)
    }
    package init(_ value: Double) { self.init(exactly: value) }
    package init(_ value: Float) { self.init(exactly: Double(value)) }
    package init<Source: BinaryFloatingPoint>(_ value: Source) { self.init(exactly: Double(value)) }
    package init(sign: FloatingPointSign, exponent: Int, significand: Self) {
        self.init(exactly: Double(sign: sign, exponent: exponent, significand: significand.number))
    }
    package init(sign: FloatingPointSign, exponentBitPattern: UInt, significandBitPattern: UInt64) {
        self.init(exactly: Double(sign: sign, exponentBitPattern: exponentBitPattern, significandBitPattern: significandBitPattern))
    }
    package init(signOf sign: Self, magnitudeOf magnitude: Self) {
        self = magnitude
        number = Double(signOf: sign.number, magnitudeOf: magnitude.number)
    }

    package static var exponentBitCount: Int { Double.exponentBitCount }
    package static var significandBitCount: Int { Double.significandBitCount }
    package static var radix: Int { 2 }
    package static var nan: Self { Self(exactly: .nan) }
    package static var signalingNaN: Self { Self(exactly: .signalingNaN) }
    package static var infinity: Self { Self(exactly: .infinity) }
    package static var greatestFiniteMagnitude: Self { Self(exactly: .greatestFiniteMagnitude) }
    package static var pi: Self { Self(exactly: .pi) }
    package static var leastNormalMagnitude: Self { Self(exactly: .leastNormalMagnitude) }
    package static var leastNonzeroMagnitude: Self { Self(exactly: .leastNonzeroMagnitude) }

    package var exponentBitPattern: UInt { number.exponentBitPattern }
    package var significandBitPattern: UInt64 { number.significandBitPattern }
    package var binade: Self { Self(exactly: number.binade) }
    package var significandWidth: Int { number.significandWidth }
    package var ulp: Self { Self(exactly: number.ulp) }
    package var sign: FloatingPointSign { number.sign }
    package var exponent: Int { number.exponent }
    package var significand: Self { Self(exactly: number.significand) }
    package var nextUp: Self { Self(exactly: number.nextUp) }
    package var isNormal: Bool { number.isNormal }
    package var isFinite: Bool { number.isFinite }
    package var isZero: Bool { number.isZero }
    package var isSubnormal: Bool { number.isSubnormal }
    package var isInfinite: Bool { number.isInfinite }
    package var isNaN: Bool { number.isNaN }
    package var isSignalingNaN: Bool { number.isSignalingNaN }
    package var isCanonical: Bool { number.isCanonical }
    package var magnitude: Self { number.sign == .minus ? -self : self }

    package mutating func negate() { self = -self }
    package static func - (a: Self, b: Self) -> Self { a + -b }
    package static func += (a: inout Self, b: Self) { a = a + b }
    package static func -= (a: inout Self, b: Self) { a = a - b }
    package static func *= (a: inout Self, b: Self) { a = a * b }
    package static func /= (a: inout Self, b: Self) { a = a / b }
    package mutating func addProduct(_ a: Self, _ b: Self) { self = self + a * b }
    package mutating func formSquareRoot() { self = Self.sqrt(self) }
    package mutating func formRemainder(dividingBy other: Self) { number.formRemainder(dividingBy: other.number) }
    package mutating func formTruncatingRemainder(dividingBy other: Self) { number.formTruncatingRemainder(dividingBy: other.number) }
    package mutating func round(_ rule: FloatingPointRoundingRule) { number.round(rule) }

    package func isEqual(to other: Self) -> Bool { number == other.number }
    package func isLess(than other: Self) -> Bool { number < other.number }
    package func isLessThanOrEqualTo(_ other: Self) -> Bool { number <= other.number }
    package func isTotallyOrdered(belowOrEqualTo other: Self) -> Bool { number.isTotallyOrdered(belowOrEqualTo: other.number) }
    package static func == (a: Self, b: Self) -> Bool { a.number == b.number }
    package static func < (a: Self, b: Self) -> Bool { a.number < b.number }
    package static func <= (a: Self, b: Self) -> Bool { a.number <= b.number }
    package static func > (a: Self, b: Self) -> Bool { a.number > b.number }
    package static func >= (a: Self, b: Self) -> Bool { a.number >= b.number }
    package func hash(into hasher: inout Hasher) { hasher.combine(number) }
    package func distance(to other: Self) -> Self { other - self }
    package func advanced(by n: Self) -> Self { self + n }
}
