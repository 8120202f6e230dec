import Tensors

/// How an op is to compute, beside what it means: told by the policy through the stepper.
package struct Arithmetic: Sendable {
    package let threads: Int
    package let rounding: Rounding
    /// Whether a kernel that rounds what it gives is to do so, and not the parts alone.
    package let roundsOutput: Bool

    package init(threads: Int, rounding: Rounding = .none, roundsOutput: Bool = true) {
        self.threads = threads
        self.rounding = rounding
        self.roundsOutput = roundsOutput
    }
}

/// Where an op rounds between its parts, because the architectures' own code computes the parts one by one in a narrow format: x̂ before the
/// weight, q·k before the scale. What comes out at the end is the stepper's to round.
package struct Rounding: Sendable, Hashable {
    /// Of the parts; nil: they are not rounded.
    package let format: NumberFormat?
    /// Of the sum of products after each product; nil: it is not rounded.
    package let accumulation: NumberFormat?

    package static let none = Rounding(format: nil)

    /// A format that keeps fp32 as it is, or has one scale for many numbers, rounds no part.
    package init(format: NumberFormat?, accumulation: NumberFormat? = nil) {
        self.format = format.flatMap { $0.isElementwise && !$0.keepsSingle ? $0 : nil }
        self.accumulation = accumulation.flatMap { $0.isElementwise && !$0.keepsSingle ? $0 : nil }
    }

    package func callAsFunction<R: Scalar>(_ part: R) -> R { format.map { Rounding.kept(part, in: $0) } ?? part }

    /// x³ as PyTorch on a CPU makes it: in bf16 by two products, each rounded, in fp16 as one power (PowKernel.cpp).
    package func cube<R: Scalar>(_ x: R) -> R { self((format?.name == NumberFormat.bf16.name ? self(x * x) : x * x) * x) }

    /// d·(1 − s)·s, which PyTorch on a CPU computes in fp32 for bf16 and step by step in fp16 (BinaryOpsKernel.cpp).
    package func sigmoidSlope<R: Scalar>(_ d: R, _ s: R) -> R {
        self(format?.name == NumberFormat.fp16.name ? self(d * self(1 - s)) * s : d * (1 - s) * s)
    }

    /// A sum that has taken one more product in.
    package func partial<R: Scalar>(_ sum: R) -> R { accumulation.map { Rounding.kept(sum, in: $0) } ?? sum }

    /// Rounded; of a number that knows how far rounding may move it, that far; at random of one that samples it.
    private static func kept<R: Scalar>(_ part: R, in format: NumberFormat) -> R {
        if let uncertain = part as? Uncertain, let stored = uncertain.stored(in: format) as? R { return stored }
        if let shaken = part as? Shaken, let stored = shaken.stored(in: format) as? R { return stored }
        return R(format.nearest(Double(part)))
    }
}
