import RealModule
import Tensors

/// Scores, softmax and context as one op: q [head, T, D], k and v [kv head, S, D] → [T, head · D]. What FlashAttention computes; no program
/// holds it, a kernel of the context runs it.
package struct FusedAttention: Op {
    package let scores: AttentionScores

    package init(_ scores: AttentionScores) { self.scores = scores }

    package static let card = OpCard(
        name: "fused attention", formula: "c = softmax(mask(scale · q·kᵀ)) · v",
        sentence: "Attention without a matrix of scores in memory.",
        source: "Dao et al. 2022, arXiv:2205.14135")
    package static let samples = [
        OpSample(
            FusedAttention(AttentionScores(scale: 0.5, mask: AttentionMask())), .normal(Shape((.head, 4), (.token, 5), (.feature, 8))),
            .normal(Shape((.head, 2), (.token, 5), (.feature, 8))), .normal(Shape((.head, 2), (.token, 5), (.feature, 8)))),
        OpSample(
            FusedAttention(AttentionScores(scale: 0.3, softcap: 2, mask: AttentionMask(window: 30))),
            .normal(Shape((.head, 2), (.token, 70), (.feature, 20))), .normal(Shape((.head, 1), (.token, 140), (.feature, 20))),
            .normal(Shape((.head, 1), (.token, 140), (.feature, 20)))),
        OpSample(
            FusedAttention(AttentionScores(scale: 0.5, mask: AttentionMask(packed: true))),
            .normal(Shape((.head, 2), (.token, 5), (.feature, 6))),
            .normal(Shape((.head, 1), (.token, 5), (.feature, 6))), .normal(Shape((.head, 1), (.token, 5), (.feature, 6))),
            .integers([0, 0, 2, 2, 4])),
    ]
    package var parameters: [(name: String, value: String)] { scores.parameters }
    package var isProduct: Bool { true }
    package var isRepeatedCheaply: Bool { false }

    /// The step of a context whose probabilities come from a softmax over scores.
    static let fusion: @Sendable (Step, Program) -> Fusion? = { step, program in
        guard let softmax = program.step(writing: step.inputs[0], Softmax.self),
            let scores = program.step(writing: softmax.step.inputs[0], AttentionScores.self), !scores.op.capsHidden
        else { return nil }
        return Fusion(
            FusedAttention(scores.op), inputs: Array(scores.step.inputs[..<2]) + step.inputs.dropFirst(),
            between: [scores.step.output, softmax.step.output])
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == (scores.mask.packed ? 4 : 3) else { throw ShapeError("takes q, k and v, got \(inputs.count) inputs") }
        let probs = try scores.outputShape([inputs[0], inputs[1]] + inputs.dropFirst(3))
        return try AttentionContext(mask: scores.mask).outputShape([probs, inputs[2]] + inputs.dropFirst(3))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded is exp(s − max) where it meets v.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let first = Array(inputs.dropFirst(3))
        let sums = Rounding(format: nil, accumulation: rounding.accumulation)
        let s = scores.reference([inputs[0], inputs[1]] + first, rounding: sums)
        let tops = (0..<s.shape.rowCount).map { s.row($0).max() ?? 0 }
        let exps = s.mapRows { row, s in s.map { $0 == -.infinity ? 0 : R.exp($0 - tops[row]) } }
        let context = AttentionContext(mask: scores.mask).reference([exps.map { rounding($0) }, inputs[2]] + first, rounding: sums)
        let (heads, queries, width) = (s.shape[0], s.shape[1], inputs[2].shape[2])
        let sum = (0..<s.shape.rowCount).map { exps.row($0).reduce(0, +) }
        return Dense(context.shape) { position in
            let row = position / width % heads * queries + position / (heads * width)
            return sum[row] == 0 ? 0 : context.values[position] / sum[row]
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "flash", nil) { [scores] inputs, shape, arithmetic in
                try Kernels.flashAttention(
                    inputs[0], inputs[1], inputs[2], scale: Float(scores.scale), softcap: Float(scores.softcap),
                    mask: scores.mask.with(first: inputs[inputs.count - 1]), rounding: arithmetic.rounding.format, shape: shape,
                    threads: arithmetic.threads)
            }
        ]
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 4 * output.elementCount * inputs[1][1] }
}
