import Tensors

/// x [rows, input] · Wᵀ + b with W [output, input], or [input, output] where the checkpoint stores it transposed (GPT-2's Conv1D).
/// Every element is one chain of fused multiply-adds over the input axis, ascending, in the formula and in the kernel `blocked`, bit for
/// bit; the kernel `blas` sums in its own order, `bf16dot` and `bf16tile` as processors with bf16 products do.
package struct Linear: Op {
    package let output: Axis
    package let transposed: Bool

    package init(output: Axis, transposed: Bool = false) {
        self.output = output
        self.transposed = transposed
    }

    package static let card = OpCard(
        name: "linear", formula: "y[t,o] = Σᵢ x[t,i] · W[o,i] + b[o]",
        sentence: "Every output is the dot product of a row of x with a row of W.",
        source: "the affine map; BLAS level 3 (Dongarra et al. 1990)")
    package static let samples = [
        OpSample(Linear(output: Axis(.feature, 5)), .normal(Shape((.token, 3), (.feature, 7))), .normal(Shape((.output, 5), (.input, 7)))),
        OpSample(
            Linear(output: Axis(.feature, 33), transposed: true), .normal(Shape((.token, 4), (.feature, 17))),
            .normal(Shape((.input, 17), (.output, 33))), .normal(Shape((.output, 33)))),
    ]
    package var parameters: [(name: String, value: String)] { [("W stored as", transposed ? "[input, output]" : "[output, input]")] }

    package var isProduct: Bool { true }
    package var isRepeatedCheaply: Bool { false }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 || inputs.count == 3 else { throw ShapeError("takes x, W and perhaps b, got \(inputs.count) inputs") }
        guard inputs[1].rank == 2, inputs[0].rank >= 1 else { throw ShapeError("W must have 2 axes, is \(inputs[1])") }
        try Shapes.expectEqual(inputs[0].rowLength, inputs[1][transposed ? 0 : 1], "x's last axis and W's input axis")
        try Shapes.expectEqual(output.count, inputs[1][transposed ? 1 : 0], "the output axis and W's")
        if inputs.count == 3 { try Shapes.expectEqual(inputs[2].elementCount, output.count, "b's length and the output axis") }
        return inputs[0].replacingLast(output)
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let (x, w) = (inputs[0], inputs[1])
        let length = x.shape.rowLength
        let shape = x.shape.replacingLast(output)
        return Dense(shape) { position in
            let (t, o) = (position / output.count, position % output.count)
            var sum: R = 0
            for i in 0..<length {
                let weight = w.values[transposed ? i * output.count + o : o * length + i]
                sum = rounding.partial(sum.addingProduct(x.values[t * length + i], weight))
            }
            return inputs.count == 3 ? sum + inputs[2].values[o] : sum
        }
    }

    package func exact(_ inputs: [Tensor], threads: Int) throws -> Tensor {
        try Kernels.exactMatmul(
            inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed,
            shape: outputShape(inputs.map(\.shape)), threads: threads)
    }

    package var kernels: [Kernel] {
        [
            Kernel("blocked", Linear.blocked) { [transposed] inputs, shape, threads in
                try Kernels.matmul(
                    inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed, shape: shape, threads: threads)
            },
            Kernel("blas", Linear.blas) { [transposed] inputs, shape, threads in
                try Kernels.blasMatmul(
                    inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed, shape: shape, threads: threads)
            },
            Linear.narrow("bf16dot", Linear.bf16dot) { [transposed] inputs, shape, arithmetic in
                try Kernels.matmulBF16(
                    inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed,
                    rounding: arithmetic.rounding.format, shape: shape, threads: arithmetic.threads)
            },
            Linear.narrow("bf16tile", Linear.bf16tile) { [transposed] inputs, shape, arithmetic in
                try Kernels.matmulBF16Tile(
                    inputs[0], inputs[1], bias: inputs.count == 3 ? inputs[2] : nil, transposed: transposed,
                    rounding: arithmetic.rounding.format, shape: shape, threads: arithmetic.threads)
            },
        ]
    }

    /// Those that multiply bf16 numbers.
    static let narrowKernels = samples[0].op.kernels.filter { $0.inputs == .bf16 }.map(\.name)

    private static func narrow(
        _ name: String, _ card: KernelCard, _ body: @escaping @Sendable ([Tensor], Shape, Arithmetic) throws -> Tensor
    ) -> Kernel {
        var kernel = Kernel(rounding: name, card, body)
        kernel.inputs = .bf16
        kernel.roundsOutput = true
        return kernel
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let (t, o) = (index.dropLast(), index.last ?? 0)
        let products = (0..<inputs[0].shape.rowLength).map { i in
            Contribution(
                input: 0, index: t + [i], value: inputs[0].value(at: t + [i]) ?? .nan,
                weight: inputs[1].value(at: transposed ? [i, o] : [o, i]) ?? .nan)
        }
        guard inputs.count == 3, let bias = inputs[2].value(at: [o]) else { return products }
        return products + [Contribution(input: 2, index: [o], value: bias, weight: 1)]
    }

    /// The dot product of one cell: the row of x, the row of W, their products, the running sum.
    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        let o = index.last ?? 0
        let row = graph.apply(Cell(prefix: Array(index.dropLast())), [inputs[0]], as: "x")
        let weights = graph.apply(Cell(prefix: transposed ? [] : [o], suffix: transposed ? [o] : []), [inputs[1]], as: "w")
        let sum = graph.dotProduct(row, weights)
        guard inputs.count == 3 else { return sum }
        let bias = graph.apply(Cell(prefix: [o]), [inputs[2]], as: "b")
        return graph.apply(Zip(.add), [sum, bias], as: "sum + b")
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount * inputs[0].rowLength }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(1)], formula: "dX = dY · W",
                derivation: ["y[t,o] = Σᵢ x[t,i]·W[o,i] + b[o]", "∂y[t,o]/∂x[t,i] = W[o,i]", "dx[t,i] = Σₒ dy[t,o]·W[o,i]"]),
            Derivative(
                1, reads: [.input(0)], formula: "dW = dYᵀ · X",
                derivation: ["y[t,o] = Σᵢ x[t,i]·W[o,i] + b[o]", "∂y[t,o]/∂W[o,i] = x[t,i]", "dW[o,i] = Σₜ dy[t,o]·x[t,i]"]),
            Derivative(2, reads: [], formula: "db = Σₜ dY", derivation: ["∂y[t,o]/∂b[o] = 1", "db[o] = Σₜ dy[t,o]"]),
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let dy = values[values.count - 1]
        switch input {
        case 0: return inputGradient(values[0], dy, shape)
        case 1: return weightGradient(values[0], dy, shape)
        default:
            let rows = dy.shape.rowCount
            return Dense(shape) { o in (0..<rows).reduce(0) { $0 + dy.values[$1 * output.count + o] } }
        }
    }

    private func inputGradient<R: Scalar>(_ w: Dense<R>, _ dy: Dense<R>, _ shape: Shape) -> Dense<R> {
        let length = shape.rowLength
        return Dense(shape) { position in
            let (t, i) = (position / length, position % length)
            var sum: R = 0
            for o in 0..<output.count {
                sum = sum.addingProduct(dy.values[t * output.count + o], w.values[transposed ? i * output.count + o : o * length + i])
            }
            return sum
        }
    }

    private func weightGradient<R: Scalar>(_ x: Dense<R>, _ dy: Dense<R>, _ shape: Shape) -> Dense<R> {
        let length = x.shape.rowLength
        return Dense(shape) { position in
            let (o, i) =
                transposed ? (position % output.count, position / output.count) : (position / length, position % length)
            var sum: R = 0
            for t in 0..<x.shape.rowCount { sum = sum.addingProduct(dy.values[t * output.count + o], x.values[t * length + i]) }
            return sum
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        switch input {
        case 0:
            return [
                Kernel("blocked") { [transposed] values, shape, threads in
                    try Kernels.matmul(values[1], values[0], bias: nil, transposed: !transposed, shape: shape, threads: threads)
                },
                Linear.narrow("bf16dot", Linear.bf16dot) { [transposed] values, shape, arithmetic in
                    try Kernels.matmulBF16(
                        values[1], values[0], bias: nil, transposed: !transposed, rounding: arithmetic.rounding.format, shape: shape,
                        threads: arithmetic.threads)
                },
                Linear.narrow("bf16tile", Linear.bf16tile) { [transposed] values, shape, arithmetic in
                    try Kernels.matmulBF16Tile(
                        values[1], values[0], bias: nil, transposed: !transposed, rounding: arithmetic.rounding.format, shape: shape,
                        threads: arithmetic.threads)
                },
            ]
        case 1:
            return [
                Kernel("blocked") { [transposed] values, shape, threads in
                    let (x, dy) = (values[0], values[1])
                    return try Kernels.weightGradient(transposed ? x : dy, transposed ? dy : x, shape: shape, threads: threads)
                },
                Linear.narrow("bf16tile", Linear.bf16tile) { [transposed] values, shape, arithmetic in
                    let (x, dy) = (try values[0].contiguous(), try values[1].contiguous())
                    return try Kernels.matmulBF16Tile(
                        transposed ? x : dy, turned: true, transposed ? dy : x, bias: nil, transposed: true,
                        rounding: arithmetic.rounding.format, shape: shape, threads: arithmetic.threads)
                },
            ]
        default: return [Kernel("simd") { values, shape, threads in try Kernels.columnSums(values[0], shape: shape, threads: threads) }]
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let dy = values[values.count - 1]
        let last = values.count - 1
        switch input {
        case 0:
            let (t, i) = (Array(index.dropLast()), index.last ?? 0)
            return (0..<output.count).map { o in
                let weight = values[0].value(at: transposed ? [i, o] : [o, i]) ?? .nan
                return Contribution(input: last, index: t + [o], value: dy.value(at: t + [o]) ?? .nan, weight: weight)
            }
        case 1:
            let (o, i) = transposed ? (index[1], index[0]) : (index[0], index[1])
            return Linear.rows(of: dy).map { t in
                Contribution(
                    input: last, index: t + [o], value: dy.value(at: t + [o]) ?? .nan, weight: values[0].value(at: t + [i]) ?? .nan)
            }
        default:
            return Linear.rows(of: dy).map {
                Contribution(input: last, index: $0 + index, value: dy.value(at: $0 + index) ?? .nan, weight: 1)
            }
        }
    }

    /// The indices of all rows: every axis but the last.
    private static func rows(of x: Tensor) -> [[Int]] {
        let rows = Shape(Array(x.shape.axes.dropLast()))
        return (0..<x.shape.rowCount).map { rows.index(at: $0) }
    }

    package func backwardCost(_ input: Int, _ values: [Shape], shape: Shape) -> Int {
        let dy = values[values.count - 1]
        return input == 2 ? dy.elementCount : 2 * dy.elementCount * (input == 0 ? shape.rowLength : values[0].rowLength)
    }

    /// One cell: dX is a row of dY along a column of W, dW a column of dY along one of X, db a column of dY.
    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard let dy = values.last, dy.shape.rank == 2, index.count == shape.rank else { return nil }
        switch input {
        case 0:
            let row = graph.apply(Cell(prefix: [index[0]]), [dy], as: "dy")
            let column = transposed ? Cell(prefix: [index[1]]) : Cell(prefix: [], suffix: [index[1]])
            return graph.dotProduct(row, graph.apply(column, [values[0]], as: "w"))
        case 1:
            let (o, i) = transposed ? (index[1], index[0]) : (index[0], index[1])
            let column = graph.apply(Cell(prefix: [], suffix: [o]), [dy], as: "dy")
            return graph.dotProduct(column, graph.apply(Cell(prefix: [], suffix: [i]), [values[0]], as: "x"))
        default: return graph.apply(Reduce(.sum), [graph.apply(Cell(prefix: [], suffix: index), [dy], as: "dy")], as: "sum")
        }
    }
}
