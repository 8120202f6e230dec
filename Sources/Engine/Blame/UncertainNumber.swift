import RealModule

/// What makes `Uncertain` a number that formulas take: all that asks for size, order or bits asks the number alone.
extension Uncertain: Real, BinaryFloatingPoint {
    package typealias RawSignificand = UInt64
    package typealias RawExponent = UInt
    package typealias Exponent = Int
    package typealias Magnitude = Uncertain
    package typealias Stride = Uncertain

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
    package init(sign: FloatingPointSign, exponent: Int, significand: Uncertain) {
        self.init(exactly: Double(sign: sign, exponent: exponent, significand: significand.number))
    }
    package init(sign: FloatingPointSign, exponentBitPattern: UInt, significandBitPattern: UInt64) {
        self.init(exactly: Double(sign: sign, exponentBitPattern: exponentBitPattern, significandBitPattern: significandBitPattern))
    }
    package init(signOf sign: Uncertain, magnitudeOf magnitude: Uncertain) {
        self = magnitude
        number = Double(signOf: sign.number, magnitudeOf: magnitude.number)
    }

    package static var exponentBitCount: Int { Double.exponentBitCount }
    package static var significandBitCount: Int { Double.significandBitCount }
    package static var radix: Int { 2 }
    package static var nan: Uncertain { Uncertain(exactly: .nan) }
    package static var signalingNaN: Uncertain { Uncertain(exactly: .signalingNaN) }
    package static var infinity: Uncertain { Uncertain(exactly: .infinity) }
    package static var greatestFiniteMagnitude: Uncertain { Uncertain(exactly: .greatestFiniteMagnitude) }
    package static var pi: Uncertain { Uncertain(exactly: .pi) }
    package static var leastNormalMagnitude: Uncertain { Uncertain(exactly: .leastNormalMagnitude) }
    package static var leastNonzeroMagnitude: Uncertain { Uncertain(exactly: .leastNonzeroMagnitude) }

    package var exponentBitPattern: UInt { number.exponentBitPattern }
    package var significandBitPattern: UInt64 { number.significandBitPattern }
    package var binade: Uncertain { Uncertain(exactly: number.binade) }
    package var significandWidth: Int { number.significandWidth }
    package var ulp: Uncertain { Uncertain(exactly: number.ulp) }
    package var sign: FloatingPointSign { number.sign }
    package var exponent: Int { number.exponent }
    package var significand: Uncertain { Uncertain(exactly: number.significand) }
    package var nextUp: Uncertain { Uncertain(exactly: number.nextUp) }
    package var isNormal: Bool { number.isNormal }
    package var isFinite: Bool { number.isFinite }
    package var isZero: Bool { number.isZero }
    package var isSubnormal: Bool { number.isSubnormal }
    package var isInfinite: Bool { number.isInfinite }
    package var isNaN: Bool { number.isNaN }
    package var isSignalingNaN: Bool { number.isSignalingNaN }
    package var isCanonical: Bool { number.isCanonical }
    package var magnitude: Uncertain { number.sign == .minus ? -self : self }

    package mutating func negate() { self = -self }
    package static func - (a: Uncertain, b: Uncertain) -> Uncertain { a + -b }
    package static func += (a: inout Uncertain, b: Uncertain) { a = a + b }
    package static func -= (a: inout Uncertain, b: Uncertain) { a = a - b }
    package static func *= (a: inout Uncertain, b: Uncertain) { a = a * b }
    package static func /= (a: inout Uncertain, b: Uncertain) { a = a / b }
    package mutating func addProduct(_ a: Uncertain, _ b: Uncertain) { self = self + a * b }
    package mutating func formSquareRoot() { self = Uncertain.sqrt(self) }
    package mutating func formRemainder(dividingBy other: Uncertain) { number.formRemainder(dividingBy: other.number) }
    package mutating func formTruncatingRemainder(dividingBy other: Uncertain) { number.formTruncatingRemainder(dividingBy: other.number) }
    package mutating func round(_ rule: FloatingPointRoundingRule) { number.round(rule) }

    package func isEqual(to other: Uncertain) -> Bool { number == other.number }
    package func isLess(than other: Uncertain) -> Bool { number < other.number }
    package func isLessThanOrEqualTo(_ other: Uncertain) -> Bool { number <= other.number }
    package func isTotallyOrdered(belowOrEqualTo other: Uncertain) -> Bool { number.isTotallyOrdered(belowOrEqualTo: other.number) }
    package static func == (a: Uncertain, b: Uncertain) -> Bool { a.number == b.number }
    package static func < (a: Uncertain, b: Uncertain) -> Bool { a.number < b.number }
    package static func <= (a: Uncertain, b: Uncertain) -> Bool { a.number <= b.number }
    package static func > (a: Uncertain, b: Uncertain) -> Bool { a.number > b.number }
    package static func >= (a: Uncertain, b: Uncertain) -> Bool { a.number >= b.number }
    package func hash(into hasher: inout Hasher) { hasher.combine(number) }
    package func distance(to other: Uncertain) -> Uncertain { other - self }
    package func advanced(by n: Uncertain) -> Uncertain { self + n }
}
