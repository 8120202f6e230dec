import RealModule
import Tensors

extension Rope {
    static let simd = KernelCard(
        "Sixteen pairs at a time, with the tables as they are.", order: "x·cos, then ± x′·sin: two products and a sum, each rounded",
        rounding: "nowhere: the reference's bits", source: "Su et al. 2021, arXiv:2104.09864, eq. 34; the roundings are PyTorch's")

    package var variants: [Kernel] {
        [
            tables(in: .bf16), tables(in: .fp16), Kernel("no-tables", Rope.noTables, fusion: DirectRope.fusion), fused,
            Kernel(plain: interleaved ? "halves" : "interleaved", Rope.permuted) { inputs, rounding in permuting(inputs, rounding) },
            Kernel(interleaved ? "as-halves" : "as-neighbours", Rope.otherPairs, meaning: Rope(interleaved: !interleaved)), inDouble,
        ]
    }

    private static let noTables = KernelCard(
        "Angles, cosines and sines are made where they are used, in fp32, from θ and the positions.",
        order: "cos(m·θ), sin(m·θ) a pair; then as simd",
        rounding: "nowhere in fp32; in 16 bits the tables are not rounded", source: "ggml, ggml_compute_forward_rope")
    private static let fma = KernelCard(
        "The second product and the sum in one.", order: "fma(x′, ± sin, x·cos)", rounding: "one rounding less an element",
        source: "contraction as compilers for GPUs do it (nvcc -fmad)")
    private static let permuted = KernelCard(
        "The dimensions are put into the other layout, turned there, and put back.", order: "permute, turn, permute back",
        rounding: "nowhere: the same pairs, the same bits",
        source: "GPT-J's and GPT-NeoX's layouts; huggingface/transformers, convert_llama_weights_to_hf.py")
    private static let otherPairs = KernelCard(
        "Another meaning: other dimensions are taken for a pair, without permuting the weights.",
        order: "(2i, 2i + 1) for (i, i + d/2), or the reverse",
        rounding: "other numbers, not another rounding", source: "the mistake that llama.cpp's conversion permutes q and k against")

    private func tables(in format: NumberFormat) -> Kernel {
        let card = KernelCard(
            "cos and sin are rounded to \(format.name) before they are used.", order: "as simd, with tables in \(format.name)",
            rounding: "angles are off by up to 2⁻\(format.mantissaBits + 1) of a radian, at every position",
            source: "tables cast to the model's dtype; huggingface/transformers pull request 29285")
        var kernel = Kernel(rounding: "tables-\(format.name)", card) { inputs, shape, arithmetic in
            let tables = try inputs[1...].map { try format.rounded($0, threads: arithmetic.threads) }
            return try Kernels.rope(
                inputs[0], cos: tables[0], sin: tables[1], interleaved: interleaved, rounding: arithmetic.rounding.format,
                threads: arithmetic.threads)
        }
        kernel.inputs = format
        return kernel
    }

    private var fused: Kernel {
        Kernel(plain: "fma", Rope.fma) { inputs, rounding in
            turned(inputs) { own, other, cos, sin in rounding(own * cos).addingProduct(other, sin) }
        }
    }

    /// Each number from its own, its partner's, cos and the signed sin; beyond the rotary dimensions they are copied.
    private func turned(_ inputs: [Dense<Float>], _ turn: (Float, Float, Float, Float) -> Float) -> Dense<Float> {
        let (x, pairs) = (inputs[0], inputs[1].shape[1])
        return x.mapRows { row, values in
            let t = row % x.shape[1] * pairs
            return values.indices.map { at in
                guard let (other, pair, sign) = partner(at - values.startIndex, pairs: pairs) else { return values[at] }
                let sine = Float(sign) * inputs[2].values[t + pair]
                return turn(values[at], values[values.startIndex + other], inputs[1].values[t + pair], sine)
            }
        }
    }

    private func permuting(_ inputs: [Dense<Float>], _ rounding: Rounding) -> Dense<Float> {
        let pairs = inputs[1].shape[1]
        // Where the dimension at a place of the other layout lies in this one.
        let source = (0..<inputs[0].shape[2]).map { d in
            guard d < 2 * pairs else { return d }
            return interleaved ? (d < pairs ? 2 * d : 2 * (d - pairs) + 1) : (d % 2 == 0 ? d / 2 : d / 2 + pairs)
        }
        let there = inputs[0].mapRows { _, x in source.map { x[x.startIndex + $0] } }
        let turned = Rope(interleaved: !interleaved).reference([there] + inputs.dropFirst(), rounding: rounding)
        return turned.mapRows { _, y in
            var back = Array(y)
            for (place, d) in source.enumerated() { back[d] = y[y.startIndex + place] }
            return back
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? { Rope.turnedBack }

    private static let turnedBack = KernelCard(
        "The forward's kernel by the negative angle.", order: "dY·cos, then ∓ dY′·sin: two products and a sum, each rounded",
        rounding: "nowhere: the reference's bits", source: "a rotation's inverse is its transpose; the roundings are PyTorch's")
}

/// A rotation that makes its own cosines: x [head, token, D], θ [pair], positions [token] → [head, token, D]. A kernel of the rotation runs it.
package struct DirectRope: Op {
    package let rope: Rope
    package let cos: RopeTable
    package let sin: RopeTable

    package init(_ rope: Rope, cos: RopeTable, sin: RopeTable) {
        self.rope = rope
        self.cos = cos
        self.sin = sin
    }

    package static let card = OpCard(
        name: "direct RoPE", formula: "x′ᵢ = xᵢ·cos(m·θᵢ) − xⱼ·sin(m·θᵢ),  x′ⱼ = xⱼ·cos(m·θᵢ) + xᵢ·sin(m·θᵢ)",
        sentence: "The rotation with its angles made on the way.", source: "Su et al. 2021, arXiv:2104.09864, eq. 34")
    package static let samples = [false, true].map {
        OpSample(
            DirectRope(Rope(interleaved: $0), cos: RopeTable(.cos), sin: RopeTable(.sin)),
            .normal(Shape((.head, 2), (.token, 5), (.feature, 8))),
            .probabilities(Shape((.pair, 4))), .ids(5, below: 50))
    }
    package var parameters: [(name: String, value: String)] { rope.parameters + cos.parameters.dropFirst() }

    /// The step of a rotation by tables of the same angles.
    static let fusion: @Sendable (Step, Program) -> Fusion? = { step, program in
        guard let rope = step.op as? Rope, let cos = program.step(writing: step.inputs[1], RopeTable.self),
            let sin = program.step(writing: step.inputs[2], RopeTable.self), cos.step.inputs == sin.step.inputs
        else { return nil }
        return Fusion(
            DirectRope(rope, cos: cos.op, sin: sin.op), inputs: [step.inputs[0]] + cos.step.inputs, between: Array(step.inputs[1...]))
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 3, 1, 1)
        let table = try cos.outputShape(Array(inputs[1...]))
        return try rope.outputShape([inputs[0], table, table])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let angles = Array(inputs[1...])
        return rope.reference([inputs[0], cos.reference(angles), sin.reference(angles)], rounding: rounding)
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 3 * output.elementCount }
}

extension RopeTable {
    package var variants: [Kernel] {
        [
            Kernel("quotient", RopeTable.quotient, fusion: quotientFusion),
            Kernel(plain: "reduced", RopeTable.reduced) { inputs, _ in
                let turn = 2 * Float.pi
                return table(inputs) { angle in angle - turn * (angle / turn).rounded() }
            },
            inDouble,
        ]
    }

    private static let quotient = KernelCard(
        "The angle is the position divided by the period, as DeepMind's code has it; θ is not read.", order: "cos(m / base^(2i/d))",
        rounding: "one rounding less on the way to the angle; neither form is nearer to the truth everywhere",
        source: "google-deepmind/gemma, gemma/gm/math/_positional_embeddings.py; unsloth.ai/blog/gemma-bugs, finding 6")
    private static let reduced = KernelCard(
        "Whole turns are taken off the angle before the cosine, in fp32.", order: "cos(a − 2π·round(a/2π)), a = m·θ",
        rounding: "2π is rounded: off by some 2⁻²⁵ of the angle",
        source: "Cody and Waite 1980, Software Manual for the Elementary Functions, with one constant only")

    /// Where θ is what a plain `RopeFrequencies` gives.
    private var quotientFusion: @Sendable (Step, Program) -> Fusion? {
        { step, program in
            guard quotientOf == nil, let theta = program.step(writing: step.inputs[0], RopeFrequencies.self), theta.op.scaling == .none
            else {
                return nil
            }
            let other = RopeTable(function, positions: positions, table: table, quotientOf: theta.op)
            return Fusion(other, inputs: step.inputs, between: [step.inputs[0]])
        }
    }

    private func table(_ inputs: [Dense<Float>], _ reduce: (Float) -> Float) -> Dense<Float> {
        let pairs = inputs[0].shape[0]
        return Dense(Shape([inputs[1].shape.axes[0], inputs[0].shape.axes[0]])) { place in
            let m = RopeTable.rounded(inputs[1].values[place / pairs], positions)
            let angle = reduce(quotientOf.map { m / $0.period(place % pairs) } ?? m * inputs[0].values[place % pairs])
            return RopeTable.rounded(function == .cos ? Float.cos(angle) : Float.sin(angle), self.table)
        }
    }
}

extension RopeFrequencies {
    package var variants: [Kernel] {
        [
            Kernel(plain: "exp-log", RopeFrequencies.expLog) { _, _ in
                frequencies { pair in Float.exp(-Float(2 * pair) / Float(dimensions) * Float.log(Float(base))) }
            },
            Kernel(plain: "repeated", RopeFrequencies.repeated) { _, _ in
                let factor = Float.pow(Float(base), -2 / Float(dimensions))
                var powers: [Float] = [1]
                for _ in 1..<max(dimensions / 2, 1) { powers.append((powers.last ?? 1) * factor) }
                return frequencies { powers[$0] }
            },
            inDouble,
        ]
    }

    private static let expLog = KernelCard(
        "A power by exponential and logarithm.", order: "θᵢ = exp(−(2i/d)·ln base)",
        rounding: "the exponent is rounded: θ is off by up to some ulp",
        source: "the formula of tensor2tensor's position signals")
    private static let repeated = KernelCard(
        "Each frequency from the one before.", order: "θᵢ = θᵢ₋₁ · base^(−2/d)",
        rounding: "one rounding a pair adds up: some i ulp at pair i",
        source: "ggml, theta_scale in ggml_compute_forward_rope")

    private func frequencies(_ theta: (Int) -> Float) -> Dense<Float> {
        Dense(Shape((.pair, dimensions / 2))) { scaled(theta($0)) }
    }
}
