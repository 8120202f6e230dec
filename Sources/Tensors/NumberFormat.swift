/// A format to which a value is rounded when it is stored. What a number *is* in memory is `ElementType`; this says which numbers it may be.
package struct NumberFormat: Hashable, Sendable {
    /// What the codes with the largest exponent stand for.
    package enum Specials: Sendable, Hashable {
        /// Infinity and NaN (IEEE 754-2019).
        case infinityAndNaN
        /// Numbers, but all ones is NaN (OCP OFP8's E4M3).
        case onlyNaN
        /// Numbers (OCP Microscaling's FP6 and FP4).
        case none
    }

    /// How neighbours in a row share a scale.
    package enum Block: Sendable, Hashable {
        /// Powers of two of eight bits, E8M0 (OCP Microscaling Formats v1.0, section 6.3).
        case powerOfTwo(Int)
        /// The largest magnitude becomes the largest number, with a scale in fp32.
        case maximum(Int)
        /// Levels between the largest magnitude and its negative.
        case levels(BlockCodes.Levels, Int)
    }

    package let name: String
    package let exponentBits: Int
    /// Explicit bits of the significand, without the leading one.
    package let mantissaBits: Int
    package let bias: Int
    package let specials: Specials
    package let block: Block?
    /// Whether what is too large becomes the largest number instead of infinity or NaN.
    package var saturates: Bool
    /// Whether results that would be subnormal become zero.
    package var flushesSubnormals = false

    package init(
        _ name: String, exponent: Int, mantissa: Int, bias: Int? = nil, specials: Specials = .infinityAndNaN, block: Block? = nil,
        saturates: Bool = false
    ) {
        self.name = name
        exponentBits = exponent
        mantissaBits = mantissa
        self.bias = bias ?? (1 << (exponent - 1)) - 1
        self.specials = specials
        self.block = block
        self.saturates = saturates || specials == .none
    }

    package static let fp64 = NumberFormat("fp64", exponent: 11, mantissa: 52)
    package static let fp32 = NumberFormat("fp32", exponent: 8, mantissa: 23)
    package static let tf32 = NumberFormat("tf32", exponent: 8, mantissa: 10)
    package static let bf16 = NumberFormat("bf16", exponent: 8, mantissa: 7)
    package static let fp16 = NumberFormat("fp16", exponent: 5, mantissa: 10)
    package static let fp8e4m3 = NumberFormat("fp8e4m3", exponent: 4, mantissa: 3, specials: .onlyNaN)
    package static let fp8e5m2 = NumberFormat("fp8e5m2", exponent: 5, mantissa: 2)
    package static let fp6e2m3 = NumberFormat("fp6e2m3", exponent: 2, mantissa: 3, specials: .none)
    package static let fp6e3m2 = NumberFormat("fp6e3m2", exponent: 3, mantissa: 2, specials: .none)
    package static let fp4e2m1 = NumberFormat("fp4e2m1", exponent: 2, mantissa: 1, specials: .none)
    package static let mxfp8 = NumberFormat(
        "mxfp8", exponent: 4, mantissa: 3, specials: .onlyNaN, block: .powerOfTwo(32), saturates: true)
    package static let mxfp4 = NumberFormat("mxfp4", exponent: 2, mantissa: 1, specials: .none, block: .powerOfTwo(32))
    /// The integers −127…127: numbers below 2⁷ are spaced evenly, by 1.
    package static let int8 = NumberFormat("int8", exponent: 0, mantissa: 7, bias: -6, specials: .none, block: .maximum(32))
    package static let nf4 = NumberFormat("nf4", exponent: 0, mantissa: 3, bias: 1, specials: .none, block: .levels(.nf4, 64))

    /// Widest first.
    package static let all: [NumberFormat] = [
        fp64, fp32, tf32, bf16, fp16, fp8e4m3, fp8e5m2, fp6e2m3, fp6e3m2, fp4e2m1, mxfp8, mxfp4, int8, nf4,
    ]

    package static func named(_ name: String) -> NumberFormat? { all.first { $0.name == name } }

    package func saturating() -> NumberFormat {
        var format = self
        format.saturates = true
        return format
    }

    /// Whether a number may be rounded to it on its own, and takes fp32 to hold.
    package var isElementwise: Bool { block == nil && mantissaBits <= 23 }

    /// The largest finite number.
    package var maximum: Double {
        if case .maximum = block { return scaled(1, mantissaBits) - 1 }
        let top = (1 << exponentBits) - (specials == .infinityAndNaN ? 2 : 1)
        return scaled(2 - scaled(1, specials == .onlyNaN ? 1 - mantissaBits : -mantissaBits), top - bias)
    }

    /// The smallest normal number.
    package var minimumNormal: Double { scaled(1, 1 - bias) }

    /// The smallest number above zero: the spacing of the subnormal ones.
    package var minimumSubnormal: Double { scaled(1, 1 - bias - mantissaBits) }

    private func scaled(_ x: Double, _ exponent: Int) -> Double { Double(sign: .plus, exponent: exponent, significand: x) }
}

extension NumberFormat: CustomStringConvertible {
    /// As a policy writes it.
    package var description: String {
        let isSwitched = saturates && specials != .none && block == nil
        return name + (isSwitched ? " saturate" : "") + (flushesSubnormals ? " flush" : "")
    }
}

extension NumberFormat {
    /// The number of the format nearest to x, ties to the one with an even last digit; of a format in blocks the one that an element has
    /// whose scale is 1. Without NaN, a NaN becomes a zero of the other sign, as ml_dtypes casts.
    package func nearest(_ x: Double) -> Double {
        if x.isNaN { return specials == .none ? (x.sign == .minus ? 0 : -0.0) : .nan }
        let magnitude = x.magnitude
        var result = magnitude
        if magnitude.isFinite && magnitude > 0 {
            let spacing = scaled(1, Swift.max(Int(magnitude.exponent), 1 - bias) - mantissaBits)
            result = (magnitude / spacing).rounded(.toNearestOrEven) * spacing
        }
        if result > maximum { result = saturates ? maximum : specials == .onlyNaN ? .nan : .infinity }
        if flushesSubnormals && result < minimumNormal { result = 0 }
        return x.sign == .minus ? -result : result
    }
}
