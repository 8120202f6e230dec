import Tensors

/// How far rounding moved an op's value in samples of it, beside how far the model of rounding says that it does.
package struct RoundingSpread: Sendable, Equatable {
    package let samples: Int
    /// Root of the mean square over samples and elements of the distance from the formula in fp64.
    package let measured: Double
    /// The same of the model's deviations.
    package let predicted: Double

    /// 1 where the two agree.
    package var ratio: Double { predicted > 0 ? measured / predicted : measured > 0 ? .infinity : 1 }
}

/// An op computed again and again on the same inputs, each time otherwise rounded: products with their terms in another order by the run's own
/// kernel, everything else by its formula in fp32 with stochastic rounding; the value is stored by stochastic rounding where its format is
/// narrower than fp32.
struct RoundingSample {
    let op: any Op
    let choice: Policy.Choice
    /// As the op reads them.
    let inputs: [Tensor]
    let threads: Int

    /// Nil where nothing is rounded: a view, a copy, an op in fp64.
    init?(_ op: any Op, _ choice: Policy.Choice, _ inputs: [Tensor], threads: Int) throws {
        guard !choice.isDouble, !op.isView, !choice.isCopy, !(op is Embedding) else { return nil }
        let read = try choice.read(inputs.map { .known($0) }, of: op, threads: threads).compactMap(\.tensor)
        (self.op, self.choice, self.inputs, self.threads) = (op, choice.alone(op), read, threads)
    }

    func spread(_ expected: Expectation, samples: Int) throws -> RoundingSpread {
        var (squares, variance, count) = (0.0, 0.0, 0)
        let finite = expected.numbers.indices.filter { expected.numbers[$0].isFinite && expected.variances[$0].isFinite }
        for sample in 0..<samples {
            let values = try value(seed: SplitMix64.mix(UInt64(sample) &+ 1))
            for i in finite where values[i].isFinite {
                let distance = values[i] - expected.numbers[i]
                squares += distance * distance
                count += 1
            }
        }
        for i in finite { variance += expected.variances[i] }
        return RoundingSpread(
            samples: samples, measured: (squares / Double(max(1, count))).squareRoot(),
            predicted: (variance / Double(max(1, finite.count))).squareRoot())
    }

    /// One sample of the value, row-major.
    func value(seed: UInt64) throws -> [Double] {
        let made =
            try inAnotherOrder(seed) ?? op.reference(inputs.map { RoundingSample.shaken($0, seed) }, rounding: choice.rounding).values
        guard choice.format.mantissaBits < 23 else { return made.map(\.number) }
        guard choice.format.isElementwise, choice.format.block == nil else {
            let shape = try op.outputShape(inputs.map(\.shape))
            let value = try Tensor(shape, made.map { Float($0.number) })
            return try choice.format.rounded(value, hides: op.hidesWithInfinity, threads: threads).doubles()
        }
        return made.map { op.hidesWithInfinity && $0.number == -.infinity ? $0.number : $0.stored(in: choice.format).number }
    }

    private static func shaken(_ tensor: Tensor, _ seed: UInt64) -> Dense<Shaken> {
        let numbers = tensor.doubles()
        return Dense(tensor.shape) { Shaken(numbers[$0], seed: SplitMix64.mix(seed &+ UInt64($0))) }
    }

    // MARK: products

    /// A product with its terms in another order, as its kernel adds them up; nil for other ops.
    private func inAnotherOrder(_ seed: UInt64) throws -> [Shaken]? {
        guard let axes = contracted else { return nil }
        let length = inputs[axes[0].input].shape[axes[0].axis]
        var (order, random) = (Array(0..<length), SplitMix64(state: seed))
        order.shuffle(using: &random)
        var turned = inputs
        for (input, axis) in axes { turned[input] = try turned[input].reordered(order, along: axis) }
        var plain = choice
        plain.format = .fp32
        let value = try Stepper.compute(op, plain.resolved(), turned, threads: threads)
        return value.doubles().enumerated().map { Shaken($1, seed: SplitMix64.mix(seed &+ UInt64($0))) }
    }

    /// Which axes of which inputs the terms of a matrix product lie along.
    private var contracted: [(input: Int, axis: Int)]? {
        let last = inputs.count - 1
        if let linear = op as? Linear { return [(0, inputs[0].shape.rank - 1), (1, linear.transposed ? 0 : 1)] }
        guard let gradient = op as? Gradient, let linear = gradient.op as? Linear, inputs[last].shape.rank == 2 else { return nil }
        switch gradient.derivative.input {
        case 0: return [(last, 1), (0, linear.transposed ? 1 : 0)]
        case 1: return [(last, 0), (0, 0)]
        default: return [(last, 0)]
        }
    }
}

extension Tensor {
    /// The same numbers in fp32 with what lies along an axis in another order.
    fileprivate func reordered(_ order: [Int], along axis: Int) throws -> Tensor {
        let numbers = floats()
        let inner = shape.counts[(axis + 1)...].reduce(1, *)
        let block = inner * order.count
        var result = numbers
        for start in Swift.stride(from: 0, to: numbers.count, by: max(1, block)) {
            for (place, from) in order.enumerated() {
                for i in 0..<inner { result[start + place * inner + i] = numbers[start + from * inner + i] }
            }
        }
        return try Tensor(shape, result)
    }
}
