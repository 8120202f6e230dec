import Tensors

/// f(gate) · up in one pass: SwiGLU or GEGLU. A kernel of the product runs it, and a pass of which nothing is kept.
package struct GatedProduct: Op {
    package let activation: Activation
    /// The format that f(gate) would have been stored in; nil: it is not rounded.
    package let stored: NumberFormat?

    package init(_ activation: Activation, stored: NumberFormat? = nil) {
        self.activation = activation
        self.stored = stored
    }

    package static let card = OpCard(
        name: "gated product", formula: "y = f(gate) · up", sentence: "The activation is not stored before it meets the other branch.",
        source: "Shazeer 2020, arXiv:2002.05202")
    package static let samples = [ElementFunction.silu, .geluTanh, .geluErf, .geluNew, .geluQuick].flatMap { function in
        [nil, NumberFormat.bf16, .fp16].map {
            OpSample(
                GatedProduct(Activation(function), stored: $0), .normal(Shape((.token, 3), (.feature, 21))),
                .normal(Shape((.token, 3), (.feature, 21))))
        }
    }
    package var parameters: [(name: String, value: String)] { activation.parameters }

    /// The step of a product whose first factor is an activation.
    static let fusion: @Sendable (Step, Program) -> Fusion? = { step, program in
        program.step(writing: step.inputs[0], Activation.self).map {
            Fusion(GatedProduct($0.op), inputs: [$0.step.inputs[0], step.inputs[1]], between: [$0.step.output])
        }
    }

    /// The step of such a product with the activation as it is stored.
    static let joint: JointStep.Rule = { step, program, choice in
        guard step.op is Multiply, choice(step).hasFirstKernel(of: step.op), let fused = fusion(step, program),
            let activation = program.step(writing: fused.between[0], Activation.self),
            choice(activation.step).hasFirstKernel(of: activation.op),
            let stored = choice(activation.step).storage(activation.op)
        else { return nil }
        return Fusion(GatedProduct(activation.op, stored: stored.format), inputs: fused.inputs, between: fused.between)
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape { try Multiply().outputShape(inputs) }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let rounding = Rounding(format: stored)
        let gate = activation.reference([inputs[0]], rounding: rounding).values.map { rounding($0) }
        return Dense(inputs[0].shape, zip(gate, inputs[1].values).map { $0 * $1 })
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "fused", nil, roundsOutput: true) { [activation, stored] inputs, _, arithmetic in
                try Kernels.gated(
                    activation.function, inputs[0], inputs[1], stored: stored, rounding: arithmetic.rounding.format,
                    threads: arithmetic.threads)
            }
        ]
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount }
}

/// The norm of a + b, with the sum in registers only. A kernel of the norm runs it.
package struct AddNorm: Op {
    package let norm: RMSNorm

    package init(_ norm: RMSNorm) { self.norm = norm }

    package static let card = OpCard(
        name: "add and norm", formula: "y = w · (a + b) / √(mean((a + b)²) + ε)",
        sentence: "The sum goes into the norm without being stored.",
        source: "Zhang and Sennrich 2019, arXiv:1910.07467; fused as in vLLM's fused_add_rms_norm")
    package static let samples = [false, true].map { isGemma in
        OpSample(
            AddNorm(RMSNorm(epsilon: 1e-6, plusOne: isGemma, castsFirst: !isGemma)), .normal(Shape((.token, 3), (.feature, 21))),
            .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.feature, 21))))
    }
    package var parameters: [(name: String, value: String)] { norm.parameters }

    /// The step of a norm over a sum.
    static let fusion: @Sendable (Step, Program) -> Fusion? = { step, program in
        guard let norm = step.op as? RMSNorm else { return nil }
        return program.step(writing: step.inputs[0], Add.self).map {
            Fusion(AddNorm(norm), inputs: $0.step.inputs + [step.inputs[1]], between: [$0.step.output])
        }
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 3 else { throw ShapeError("takes a, b and w, got \(inputs.count) inputs") }
        return try norm.outputShape([Add().outputShape(Array(inputs[..<2])), inputs[2]])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded as the norm is; the sum is not.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        norm.reference([Add().reference(Array(inputs[..<2])), inputs[2]], rounding: rounding)
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "fused-add", nil) { [norm] inputs, _, arithmetic in
                try Kernels.addRMSNorm(
                    inputs[0], inputs[1], inputs[2], epsilon: Float(norm.epsilon), plusOne: norm.plusOne,
                    rounding: norm.inner(arithmetic.rounding), threads: arithmetic.threads)
            }
        ]
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount }
}
