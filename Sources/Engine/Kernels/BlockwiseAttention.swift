import Tensors

/// Scores, softmax and context as one op with the numbers that the three have: q [head, T, D], k and v [kv head, S, D] → [T, head · D]. A pass of
/// which nothing is kept runs it, a block of queries at a time, while their scores are in a cache.
package struct BlockwiseAttention: Op {
    package let scores: AttentionScores
    /// The formats that scores and probabilities would have been stored in; nil: they are not rounded.
    package let formats: (scores: NumberFormat?, probs: NumberFormat?)

    package init(_ scores: AttentionScores, formats: (scores: NumberFormat?, probs: NumberFormat?)) {
        self.scores = scores
        self.formats = formats
    }

    package static let card = OpCard(
        name: "blockwise attention", formula: "c = softmax(mask(scale · q·kᵀ)) · v",
        sentence: "Attention as it is step by step, for a few queries at a time.",
        source: "Vaswani et al. 2017, arXiv:1706.03762, eq. 1; blocks of queries: Rabe and Staats 2021, arXiv:2112.05682")
    private static let sampleFormats: [(scores: NumberFormat?, probs: NumberFormat?)] = [(nil, nil), (.bf16, .bf16), (.bf16, nil)]
    package static let samples = zip(FusedAttention.samples, sampleFormats).compactMap { sample, formats in
        (sample.op as? FusedAttention).map { OpSample(BlockwiseAttention($0.scores, formats: formats), inputs: sample.inputs) }
    }
    package var parameters: [(name: String, value: String)] { scores.parameters }
    package var isProduct: Bool { true }
    package var isRepeatedCheaply: Bool { false }

    /// Of fewer queries a step lets threads share the keys.
    private static let fewestQueries = 32

    /// The step of a context whose two products are made by bf16 tiles.
    static let joint: JointStep.Rule = { step, program, choice in
        guard let context = step.op as? AttentionContext, let fused = FusedAttention.fusion(step, program),
            let scores = program.step(writing: fused.between[0], AttentionScores.self),
            let softmax = program.step(writing: fused.between[1], Softmax.self),
            softmax.op.mask == scores.op.mask, context.mask == scores.op.mask,
            program.values[fused.inputs[0]].shape[1] >= fewestQueries,
            [scores.step, step].allSatisfy({ choice($0).kernelName == "bf16tile" }), choice(softmax.step).hasFirstKernel(of: softmax.op),
            let s = choice(scores.step).storage(scores.op), let p = choice(softmax.step).storage(softmax.op)
        else { return nil }
        return Fusion(
            BlockwiseAttention(scores.op, formats: (s.format, p.format)), inputs: fused.inputs, between: fused.between)
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { try FusedAttention(scores).outputShape(inputs) }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// What the products read is rounded to bf16, too.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let (first, read) = (Array(inputs.dropFirst(3)), Rounding(format: .bf16))
        let (q, k, v) = (inputs[0].map { read($0) }, inputs[1].map { read($0) }, inputs[2].map { read($0) })
        let stored = (scores: Rounding(format: formats.scores), probs: Rounding(format: formats.probs))
        let s = scores.reference([q, k] + first, rounding: stored.scores).map { $0 == -.infinity ? $0 : stored.scores($0) }
        let p = Softmax(mask: scores.mask).reference([s] + first).map { read(stored.probs($0)) }
        return AttentionContext(mask: scores.mask).reference([p, v] + first, rounding: rounding)
    }

    package var kernels: [Kernel] {
        var kernel = Kernel(rounding: "blockwise", nil, roundsOutput: true) { [scores, formats] inputs, shape, arithmetic in
            try Kernels.attention(
                inputs[0], inputs[1], inputs[2], scale: Float(scores.scale), softcap: Float(scores.softcap),
                mask: scores.mask.with(first: inputs[inputs.count - 1]), scores: formats.scores, probs: formats.probs,
                rounding: arithmetic.rounding.format, shape: shape, threads: arithmetic.threads)
        }
        kernel.inputs = .bf16
        return [kernel]
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 4 * output.elementCount * inputs[1][1] }
}
