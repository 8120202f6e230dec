import Tensors

/// x [rows, n], w [n], b [n] → w · (x − mean) / √(var + ε) + b, row by row; the variance is divided by n.
package struct LayerNorm: Op {
    package let epsilon: Double
    /// Whether the mean is taken off; if not, only the size of the row is made 1, as an RMSNorm does.
    package let centres: Bool

    package init(epsilon: Double, centres: Bool = true) {
        self.epsilon = epsilon
        self.centres = centres
    }

    package static let card = OpCard(
        name: "LayerNorm", formula: "y = w · (x − μ) / √(σ² + ε) + b",
        sentence: "Moves each row to mean 0 and variance 1, then scales and shifts it.",
        source: "Ba, Kiros and Hinton 2016, arXiv:1607.06450")
    package static let samples = [
        OpSample(
            LayerNorm(epsilon: 1e-5), .normal(Shape((.token, 4), (.feature, 37))), .normal(Shape((.feature, 37))),
            .normal(Shape((.feature, 37)))),
        OpSample(
            LayerNorm(epsilon: 1e-5, centres: false), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.feature, 21))),
            .normal(Shape((.feature, 21)))),
    ]
    package var parameters: [(name: String, value: String)] { [("ε", "\(epsilon)"), ("μ", centres ? "taken off" : "left in")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 3 else { throw ShapeError("takes x, w and b, got \(inputs.count) inputs") }
        try Shapes.expectEqual(inputs[0].rowLength, inputs[1].elementCount, "x's last axis and w's length")
        try Shapes.expectEqual(inputs[0].rowLength, inputs[2].elementCount, "x's last axis and b's length")
        return inputs[0]
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (w, b) = (inputs[1].values, inputs[2].values)
        return inputs[0].mapRows { _, x in
            let (mean, scale) = moments(x)
            return zip(x, zip(w, b)).map { $1.0 * (($0 - mean) * scale) + $1.1 }
        }
    }

    package var kernels: [Kernel] {
        guard centres else { return [] }
        return [
            Kernel(rounding: "simd", LayerNorm.simd, roundsOutput: true) { [epsilon] inputs, _, arithmetic in
                try Kernels.layerNorm(
                    inputs[0], inputs[1], inputs[2], epsilon: Float(epsilon), rounding: arithmetic.rounding.format,
                    threads: arithmetic.threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        Norms.contribution(at: index, inputs: inputs, output: output)
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        let centred = centred(&graph, inputs[0])
        let square = graph.apply(Map(.square), [centred], as: "(x − μ)²")
        let variance = graph.apply(Reduce(.mean), [square], as: "σ²")
        let shifted = graph.apply(Map(.plus(epsilon)), [variance], as: "σ² + ε")
        let scale = graph.apply(Map(.reciprocalSquareRoot), [shifted], as: "1/√(σ² + ε)")
        let normalised = graph.apply(Zip(.multiply), [centred, scale], as: "x̂")
        let weighted = graph.apply(Zip(.multiply), [normalised, inputs[1]], as: "w·x̂")
        return graph.apply(Zip(.add), [weighted, inputs[2]], as: "w·x̂ + b")
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(0), .input(1)], formula: "dX = r·(g − mean g − x̂·mean(g·x̂)),  g = dY·w",
                derivation: [
                    "r = (σ² + ε)^(−1/2),  x̂ = (x − μ)·r,  y = w·x̂ + b", "∂μ/∂x[j] = 1/N,  ∂σ²/∂x[j] = 2(x[j] − μ)/N",
                    "∂r/∂x[j] = −r³·(x[j] − μ)/N", "dx[j] = r·g[j] − (r/N)·Σᵢ g[i] − (r/N)·x̂[j]·Σᵢ g[i]·x̂[i],  g = dY·w",
                    "dx = r·(g − mean g − x̂·mean(g·x̂))",
                ]),
            Derivative(
                1, reads: [.input(0)], formula: "dw = Σₜ dY·x̂", derivation: ["∂y[t,j]/∂w[j] = x̂[t,j]", "dw[j] = Σₜ dy[t,j]·x̂[t,j]"]),
            Derivative(2, reads: [], formula: "db = Σₜ dY", derivation: ["∂y[t,j]/∂b[j] = 1", "db[j] = Σₜ dy[t,j]"]),
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// PyTorch's norm is one operation: on a CPU it keeps μ and r in the format of x, and dw and db while it adds rows to them
    /// (layer_norm_kernel.cpp). What lies between is fp32.
    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        let dy = values[values.count - 1]
        if input == 2 { return Norms.columnSums(of: dy, times: Dense(dy.shape) { _ in 1 }, shape, keeping: rounding) }
        let x = values[0]
        func kept(_ row: ArraySlice<R>) -> (mean: R, scale: R) {
            let (mean, scale) = moments(row)
            return (rounding(mean), rounding(scale))
        }
        let normalised = x.mapRows { _, row in
            let (mean, scale) = kept(row)
            return row.map { ($0 - mean) * scale }
        }
        guard input == 0 else { return Norms.columnSums(of: dy, times: normalised, shape, keeping: rounding) }
        let w = values[1].values
        return dy.mapRows { number, row in
            let (g, n) = (zip(row, w).map { $0 * $1 }, normalised.row(number))
            let mean = centres ? g.reduce(0, +) / R(g.count) : 0
            let along = zip(g, n).reduce(0) { $0 + $1.0 * $1.1 } / R(g.count)
            let scale = kept(x.row(number)).scale
            return zip(g, n).map { scale * ($0 - mean - $1 * along) }
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        guard centres || input == 2 else { return [] }
        return [
            Kernel(rounding: "simd") { [epsilon] values, shape, arithmetic in
                try Kernels.layerNormGradient(
                    [.x, .weight, .bias][input], dY: values[values.count - 1], x: input == 2 ? nil : values[0],
                    weight: input == 0 ? values[1] : nil, epsilon: Float(epsilon), rounding: arithmetic.rounding.format, shape: shape,
                    threads: arithmetic.threads)
            }
        ]
    }

    /// μ and 1/√(σ² + ε) of a row.
    private func moments<R: Scalar>(_ row: ArraySlice<R>) -> (mean: R, scale: R) {
        let mean = centres ? row.reduce(0, +) / R(row.count) : 0
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / R(row.count)
        return (mean, 1 / (variance + R(epsilon)).squareRoot())
    }

    /// dX line by line as it was derived; of dw and db one cell.
    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard let dy = values.last else { return nil }
        if input == 2 {
            guard dy.shape.rank == 2, index.count == 1 else { return nil }
            return graph.apply(Reduce(.sum), [graph.apply(Cell(prefix: [], suffix: index), [dy], as: "dy")], as: "sum")
        }
        let centred = centred(&graph, values[0])
        let square = graph.apply(Map(.square), [centred], as: "(x − μ)²")
        let variance = graph.apply(Reduce(.mean), [square], as: "σ²")
        let r = graph.apply(Map(.reciprocalSquareRoot), [graph.apply(Map(.plus(epsilon)), [variance], as: "σ² + ε")], as: "r")
        let n = graph.apply(Zip(.multiply), [centred, r], as: "x̂ = (x − μ)·r")
        guard input == 0 else { return Norms.columnSum(&graph, dy, n, as: "x̂", at: index) }
        let g = graph.apply(Zip(.multiply), [dy, values[1]], as: "g = dY·w")
        let even = centres ? graph.apply(Zip(.subtract), [g, graph.apply(Reduce(.mean), [g], as: "mean g")], as: "g − mean g") : g
        let rest = graph.apply(Zip(.subtract), [even, Norms.along(&graph, g, n, "x̂")], as: "g − mean g − x̂·mean(g·x̂)")
        return graph.apply(Zip(.multiply), [rest, r], as: "r·(g − mean g − x̂·mean(g·x̂))")
    }

    /// x − μ, or x itself.
    private func centred(_ graph: inout Graph, _ x: Node) -> Node {
        centres ? graph.apply(Zip(.subtract), [x, graph.apply(Reduce(.mean), [x], as: "μ")], as: "x − μ") : x
    }

    /// r·w[i]·(δ[i,j] − 1/N − x̂[i]·x̂[j]/N) of each dy[i] of the row; for dw[j] x̂[t,j] of each dy[t,j], for db[j] each dy[t,j].
    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        Norms.gradientContributions(input, at: index, values: values, centred: centres) { row in
            let (mean, r) = moments(row[...])
            return (row.map { ($0 - mean) * r }, r)
        }
    }
}
