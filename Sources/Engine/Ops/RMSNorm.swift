import Tensors

/// x [rows, n], w [n] → w · x / √(mean(x²) + ε), row by row.
package struct RMSNorm: Op {
    package let epsilon: Double

    package init(epsilon: Double) { self.epsilon = epsilon }

    package static let card = OpCard(
        name: "RMSNorm", formula: "y = w · x / √(mean(x²) + ε)",
        sentence: "Scales each row to unit root mean square, then by a learned weight; the mean stays.",
        source: "Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4")
    package static let samples = [
        OpSample(RMSNorm(epsilon: 1e-5), .normal(Shape((.token, 4), (.feature, 37))), .normal(Shape((.feature, 37))))
    ]
    package var parameters: [(name: String, value: String)] { [("ε", "\(epsilon)")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes x and w, got \(inputs.count) inputs") }
        try Shapes.expectEqual(inputs[0].rowLength, inputs[1].elementCount, "x's last axis and w's length")
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let w = inputs[1].values
        return inputs[0].mapRows { _, x in
            let meanSquare = x.reduce(0) { $0 + $1 * $1 } / R(x.count)
            let scale = 1 / (meanSquare + R(epsilon)).squareRoot()
            return zip(x, w).map { $1 * ($0 * scale) }
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd") { [epsilon] inputs, _, threads in
                try Kernels.rmsNorm(inputs[0], inputs[1], epsilon: Float(epsilon), plusOne: false, threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        Norms.contribution(at: index, inputs: inputs, output: output)
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        let square = graph.apply(Map(.square), [inputs[0]], as: "x²")
        let mean = graph.apply(Reduce(.mean), [square], as: "mean(x²)")
        let shifted = graph.apply(Map(.plus(epsilon)), [mean], as: "mean(x²) + ε")
        let scale = graph.apply(Map(.reciprocalSquareRoot), [shifted], as: "1/√(mean(x²) + ε)")
        let normalised = graph.apply(Zip(.multiply), [inputs[0], scale], as: "x̂")
        return graph.apply(Zip(.multiply), [normalised, inputs[1]], as: "w·x̂")
    }
}

/// What RMSNorm and LayerNorm have in common.
enum Norms {
    /// The element itself with the factor it got; the rest of its row acts through the scale alone.
    static func contribution(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let x = inputs[0].value(at: index), let y = output.value(at: index), x != 0 else { return [] }
        let bias = inputs.count == 3 ? inputs[2].value(at: [index.last ?? 0]) ?? 0 : 0
        let own = Contribution(input: 0, index: index, value: x, weight: (y - bias) / x)
        return inputs.count == 3 ? [own, Contribution(input: 2, index: [index.last ?? 0], value: bias, weight: 1)] : [own]
    }
}
