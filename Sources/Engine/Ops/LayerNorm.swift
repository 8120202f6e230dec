import Tensors

/// x [rows, n], w [n], b [n] → w · (x − mean) / √(var + ε) + b, row by row; the variance is divided by n.
package struct LayerNorm: Op {
    package let epsilon: Double

    package init(epsilon: Double) { self.epsilon = epsilon }

    package static let card = OpCard(
        name: "LayerNorm", formula: "y = w · (x − μ) / √(σ² + ε) + b",
        sentence: "Moves each row to mean 0 and variance 1, then scales and shifts it.",
        source: "Ba, Kiros and Hinton 2016, arXiv:1607.06450")
    package static let samples = [
        OpSample(
            LayerNorm(epsilon: 1e-5), .normal(Shape((.token, 4), (.feature, 37))), .normal(Shape((.feature, 37))),
            .normal(Shape((.feature, 37))))
    ]
    package var parameters: [(name: String, value: String)] { [("ε", "\(epsilon)")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 3 else { throw ShapeError("takes x, w and b, got \(inputs.count) inputs") }
        try Shapes.expectEqual(inputs[0].rowLength, inputs[1].elementCount, "x's last axis and w's length")
        try Shapes.expectEqual(inputs[0].rowLength, inputs[2].elementCount, "x's last axis and b's length")
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (w, b) = (inputs[1].values, inputs[2].values)
        return inputs[0].mapRows { _, x in
            let mean = x.reduce(0, +) / R(x.count)
            let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / R(x.count)
            let scale = 1 / (variance + R(epsilon)).squareRoot()
            return zip(x, zip(w, b)).map { $1.0 * (($0 - mean) * scale) + $1.1 }
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd") { [epsilon] inputs, _, threads in
                try Kernels.layerNorm(inputs[0], inputs[1], inputs[2], epsilon: Float(epsilon), threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        Norms.contribution(at: index, inputs: inputs, output: output)
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        let mean = graph.apply(Reduce(.mean), [inputs[0]], as: "μ")
        let centred = graph.apply(Zip(.subtract), [inputs[0], mean], as: "x − μ")
        let square = graph.apply(Map(.square), [centred], as: "(x − μ)²")
        let variance = graph.apply(Reduce(.mean), [square], as: "σ²")
        let shifted = graph.apply(Map(.plus(epsilon)), [variance], as: "σ² + ε")
        let scale = graph.apply(Map(.reciprocalSquareRoot), [shifted], as: "1/√(σ² + ε)")
        let normalised = graph.apply(Zip(.multiply), [centred, scale], as: "x̂")
        let weighted = graph.apply(Zip(.multiply), [normalised, inputs[1]], as: "w·x̂")
        return graph.apply(Zip(.add), [weighted, inputs[2]], as: "w·x̂ + b")
    }
}
