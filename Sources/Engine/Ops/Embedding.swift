import Tensors

/// Looks rows up in a table: ids [token], table [vocabulary, feature] → [token, feature].
package struct Embedding: Op {
    package init() {}

    package static let card = OpCard(
        name: "embedding", formula: "y[t] = E[id[t]]", sentence: "Each id picks its row of the table; nothing is computed.",
        source: "Bengio et al. 2003, A Neural Probabilistic Language Model")
    package static let samples = [OpSample(Embedding(), .ids(5, below: 7), .normal(Shape((.vocabulary, 7), (.feature, 6))))]

    package var isRepeatedCheaply: Bool { false }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 1, 2)
        return Shape([inputs[0].axes[0], Axis(.feature, inputs[1][1])])
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let rows = inputs[0].values.map { inputs[1].row(Int($0)) }
        return Dense(Shape([inputs[0].shape.axes[0], Axis(.feature, inputs[1].shape[1])]), rows.flatMap { $0 })
    }

    /// Only the rows that are asked for are read.
    package func exact(_ inputs: [Tensor], threads: Int) throws -> Tensor {
        let rows = inputs[0].doubles().flatMap { inputs[1][Int($0)].doubles() }
        return try Tensor(outputShape(inputs.map(\.shape)), doubles: rows)
    }

    package var kernels: [Kernel] {
        [
            Kernel("gather", Embedding.gather) { inputs, shape, threads in
                try Kernels.gather(inputs[1], inputs[0], shape: shape, threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let id = inputs[0].value(at: [index[0]]), let value = inputs[1].value(at: [Int(id), index[1]]) else { return [] }
        return [Contribution(input: 1, index: [Int(id), index[1]], value: value, weight: 1)]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                1, reads: [.input(0)], formula: "dE[v] = Σ over t with id[t] = v of dY[t]",
                derivation: ["y[t] = E[id[t]], that is onehot(id)·E", "dE = onehot(id)ᵀ·dY", "rows that no token picked stay 0"])
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// Rounded is a row after each addition.
    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        var table = Dense<R>(shape) { _ in 0 }
        let width = shape[1]
        for (t, id) in values[0].values.enumerated() {
            let row = Int(id) * width
            for j in 0..<width { table.values[row + j] = rounding(table.values[row + j] + values[1].values[t * width + j]) }
        }
        return table
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel(rounding: "scatter") { values, shape, arithmetic in
                try Kernels.embeddingGradient(
                    values[1], ids: values[0], onto: nil, rounding: arithmetic.rounding.format, shape: shape, threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        values[0].doubles().enumerated().filter { Int($1) == index[0] }.map { t, _ in
            Contribution(input: 1, index: [t, index[1]], value: values[1].value(at: [t, index[1]]) ?? .nan, weight: 1)
        }
    }
}
