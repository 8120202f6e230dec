import Tensors

/// x [rows, n], w [n] → w · x / √(mean(x²) + ε), row by row; with `plusOne` (1 + w) in the place of w.
package struct RMSNorm: Op {
    package let epsilon: Double
    /// The weight is kept as its distance from 1, so that decay pulls it there (Gemma).
    package let plusOne: Bool
    /// In a narrow format: x̂ is rounded and then weighted (Llama), or all is fp32 and rounded once at the end (Gemma).
    package let castsFirst: Bool
    /// To which x̂ is rounded before the weight even in a wider run; nil: to the run's own, if it casts first.
    package let cast: NumberFormat?

    package init(epsilon: Double, plusOne: Bool = false, castsFirst: Bool = true, cast: NumberFormat? = nil) {
        self.epsilon = epsilon
        self.plusOne = plusOne
        self.castsFirst = castsFirst
        self.cast = cast
    }

    package static let card = OpCard(
        name: "RMSNorm", formula: "y = w · x / √(mean(x²) + ε)",
        sentence: "Scales each row to unit root mean square, then by a learned weight; the mean stays.",
        source: "Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4")
    package static let samples = [
        OpSample(RMSNorm(epsilon: 1e-5), .normal(Shape((.token, 4), (.feature, 37))), .normal(Shape((.feature, 37)))),
        OpSample(
            RMSNorm(epsilon: 1e-6, plusOne: true, castsFirst: false), .normal(Shape((.token, 3), (.feature, 21))),
            .normal(Shape((.feature, 21)))),
    ]
    package var parameters: [(name: String, value: String)] {
        [
            ("ε", "\(epsilon)"), ("weight", plusOne ? "1 + w" : "w"),
            ("cast", castsFirst ? "before the weight\(cast.map { " to \($0.name)" } ?? "")" : "once, at the end"),
        ]
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes x and w, got \(inputs.count) inputs") }
        try Shapes.expectEqual(inputs[0].rowLength, inputs[1].elementCount, "x's last axis and w's length")
        return inputs[0]
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded is x̂, if that comes before the weight.
    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let (w, part) = (factors(inputs[1].values), Rounding(format: inner(rounding)))
        return inputs[0].mapRows { _, x in
            let scale = scale(x)
            return zip(x, w).map { $1 * part($0 * scale) }
        }
    }

    /// To which x̂ is rounded in a run of such a rounding.
    func inner(_ rounding: Rounding) -> NumberFormat? { cast ?? (castsFirst ? rounding.format : nil) }

    /// What the normalised row is multiplied by.
    private func factors<R: Scalar>(_ w: [R]) -> [R] { plusOne ? w.map { 1 + $0 } : w }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", RMSNorm.simd, roundsOutput: true) { [self] inputs, _, arithmetic in
                try Kernels.rmsNorm(
                    inputs[0], inputs[1], epsilon: Float(epsilon), plusOne: plusOne, parts: inner(arithmetic.rounding),
                    rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        Norms.contribution(at: index, inputs: inputs, output: output)
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        if cast != nil { return nil }
        let square = graph.apply(Map(.square), [inputs[0]], as: "x²")
        let mean = graph.apply(Reduce(.mean), [square], as: "mean(x²)")
        let shifted = graph.apply(Map(.plus(epsilon)), [mean], as: "mean(x²) + ε")
        let scale = graph.apply(Map(.reciprocalSquareRoot), [shifted], as: "1/√(mean(x²) + ε)")
        let normalised = graph.apply(Zip(.multiply), [inputs[0], scale], as: "x̂")
        guard plusOne else { return graph.apply(Zip(.multiply), [normalised, inputs[1]], as: "w·x̂") }
        return graph.apply(Zip(.multiply), [normalised, graph.apply(Map(.plus(1)), [inputs[1]], as: "1 + w")], as: "(1 + w)·x̂")
    }

    package var derivatives: [Derivative] {
        let w = plusOne ? "(1 + w)" : "w"
        return [
            Derivative(
                0, reads: [.input(0), .input(1)], formula: "dX = r·(g − n·mean(g·n)),  g = dY·\(w),  n = x·r",
                derivation: [
                    "r = (mean(x²) + ε)^(−1/2),  y = \(w)·x·r", "∂r/∂x[j] = −r³·x[j]/N",
                    "dx[j] = r·g[j] + ∂r/∂x[j]·Σᵢ g[i]·x[i],  g = dY·\(w)",
                    "dx[j] = r·g[j] − (r³·x[j]/N)·Σᵢ g[i]·x[i]", "dx = r·(g − n·mean(g·n)),  n = x·r",
                ]),
            Derivative(
                1, reads: [.input(0)], formula: "dw = Σₜ dY·n,  n = x·r",
                derivation: ["y[t,j] = \(w)[j]·n[t,j]", "∂y[t,j]/∂w[j] = n[t,j]", "dw[j] = Σₜ dy[t,j]·n[t,j]"]),
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// Rounded are, if x̂ comes before the weight in a narrow format, g, and for dw x̂ and its products with dY.
    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        let (x, dy) = (values[0], values[values.count - 1])
        let normalised = x.mapRows { _, row in
            let scale = scale(row)
            return row.map { $0 * scale }
        }
        let (part, product) = (Rounding(format: inner(rounding)), castsFirst ? rounding : .none)
        guard input == 0 else { return Norms.columnSums(of: dy, times: normalised.map { part($0) }, shape, rounding: product) }
        let w = factors(values[1].values)
        return dy.mapRows { number, row in
            let (g, n) = (zip(row, w).map { part($0 * $1) }, normalised.row(number))
            let mean = zip(g, n).reduce(0) { $0 + $1.0 * $1.1 } / R(g.count)
            let scale = scale(x.row(number))
            return zip(g, n).map { scale * ($0 - $1 * mean) }
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        if cast != nil && input == 1 { return [] }
        return [
            Kernel(rounding: "simd") { [self] values, shape, arithmetic in
                try Kernels.rmsNormGradient(
                    input == 0 ? .x : .weight, dY: values[values.count - 1], x: values[0], weight: input == 0 ? values[1] : nil,
                    epsilon: Float(epsilon), plusOne: plusOne, rounding: inner(arithmetic.rounding), shape: shape,
                    threads: arithmetic.threads)
            }
        ]
    }

    /// 1/√(mean(x²) + ε)
    private func scale<R: Scalar>(_ row: ArraySlice<R>) -> R {
        1 / (row.reduce(0) { $0 + $1 * $1 } / R(row.count) + R(epsilon)).squareRoot()
    }

    /// dX line by line as it was derived; of dw one cell, a column of dY along one of n.
    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard let dy = values.last else { return nil }
        let square = graph.apply(Map(.square), [values[0]], as: "x²")
        let mean = graph.apply(Reduce(.mean), [square], as: "mean(x²)")
        let shifted = graph.apply(Map(.plus(epsilon)), [mean], as: "mean(x²) + ε")
        let r = graph.apply(Map(.reciprocalSquareRoot), [shifted], as: "r")
        let n = graph.apply(Zip(.multiply), [values[0], r], as: "n = x·r")
        guard input == 0 else { return Norms.columnSum(&graph, dy, n, as: "n", at: index) }
        let w = plusOne ? graph.apply(Map(.plus(1)), [values[1]], as: "1 + w") : values[1]
        let g = graph.apply(Zip(.multiply), [dy, w], as: plusOne ? "g = dY·(1 + w)" : "g = dY·w")
        let along = Norms.along(&graph, g, n, "n")
        return graph.apply(Zip(.multiply), [graph.apply(Zip(.subtract), [g, along], as: "g − n·mean(g·n)"), r], as: "r·(g − n·mean(g·n))")
    }

    /// r·w[i]·(δ[i,j] − n[i]·n[j]/N) of each dy[i] of the row; for dw[j] n[t,j] of each dy[t,j].
    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        Norms.gradientContributions(input, at: index, values: values, offset: plusOne ? 1 : 0) { row in
            let r = scale(row[...])
            return (row.map { $0 * r }, r)
        }
    }
}

/// What RMSNorm and LayerNorm have in common.
enum Norms {
    /// Σₜ a[t,j]·b[t,j]: the gradient of what scales every row alike. Rounded are the products, and the sum in which it is `kept`.
    static func columnSums<R: Scalar>(
        of a: Dense<R>, times b: Dense<R>, _ shape: Shape, rounding: Rounding = .none, keeping kept: Rounding = .none
    ) -> Dense<R> {
        let length = a.shape.rowLength
        return Dense(shape) { j in
            (0..<a.shape.rowCount).reduce(0) { kept($0 + rounding(a.values[$1 * length + j] * b.values[$1 * length + j])) }
        }
    }

    /// n·mean(g·n): the part of g along the normalised row, which scaling alone would undo.
    static func along(_ graph: inout Graph, _ g: Node, _ n: Node, _ name: String) -> Node {
        let product = graph.apply(Zip(.multiply), [g, n], as: "g·\(name)")
        let mean = graph.apply(Reduce(.mean), [product], as: "mean(g·\(name))")
        return graph.apply(Zip(.multiply), [n, mean], as: "\(name)·mean(g·\(name))")
    }

    /// One element of Σₜ dY·n. Nil unless rows are tokens.
    static func columnSum(_ graph: inout Graph, _ dy: Node, _ n: Node, as name: String, at index: [Int]) -> Node? {
        guard dy.shape.rank == 2, index.count == 1 else { return nil }
        let column = graph.apply(Cell(prefix: [], suffix: index), [dy], as: "dy[:, \(index[0])]")
        return graph.dotProduct(column, graph.apply(Cell(prefix: [], suffix: index), [n], as: "\(name)[:, \(index[0])]"))
    }

    /// What dX, dw and db are sums of. `normalise` gives a row's n (or x̂) and its r; a mean that is taken away enters as `centred`, what is
    /// added to the weight as `offset`.
    static func gradientContributions(
        _ input: Int, at index: [Int], values: [Tensor], centred: Bool = false, offset: Double = 0,
        normalise: ([Double]) -> (n: [Double], r: Double)
    ) -> [Contribution] {
        let last = values.count - 1
        let dy = values[last]
        let rows = Shape(Array(dy.shape.axes.dropLast()))
        guard input == 0 else {
            return (0..<dy.shape.rowCount).map { number in
                let row = rows.index(at: number)
                let weight = input == 1 ? normalise(Norms.row(row, of: values[0])).n[index[0]] : 1
                return Contribution(input: last, index: row + index, value: dy.value(at: row + index) ?? .nan, weight: weight)
            }
        }
        let (row, j) = (Array(index.dropLast()), index.last ?? 0)
        let (n, r) = normalise(Norms.row(row, of: values[0]))
        let count = Double(n.count)
        return n.indices.map { i in
            let share = (i == j ? 1 : 0) - (centred ? 1 / count : 0) - n[i] * n[j] / count
            let weight = r * (offset + (values[1].value(at: [i]) ?? .nan)) * share
            return Contribution(input: last, index: row + [i], value: dy.value(at: row + [i]) ?? .nan, weight: weight)
        }
    }

    private static func row(_ index: [Int], of x: Tensor) -> [Double] {
        (0..<x.shape.rowLength).map { x.value(at: index + [$0]) ?? .nan }
    }

    /// The element itself with the factor it got; the rest of its row acts through the scale alone.
    static func contribution(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let x = inputs[0].value(at: index), let y = output.value(at: index), x != 0 else { return [] }
        let bias = inputs.count == 3 ? inputs[2].value(at: [index.last ?? 0]) ?? 0 : 0
        let own = Contribution(input: 0, index: index, value: x, weight: (y - bias) / x)
        return inputs.count == 3 ? [own, Contribution(input: 2, index: [index.last ?? 0], value: bias, weight: 1)] : [own]
    }
}
