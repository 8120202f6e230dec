import Tensors

/// Adds two values of one shape: the residual stream takes a block's output.
package struct Add: Op {
    package init() {}

    package static let card = OpCard(
        name: "add", formula: "y = a + b", sentence: "The residual stream carries a on and takes b in.",
        source: "He et al. 2015, arXiv:1512.03385")
    package static let samples = [OpSample(Add(), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.token, 3), (.feature, 21))))]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes two inputs, got \(inputs.count)") }
        try Shapes.expectSame(inputs)
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        Dense(inputs[0].shape, zip(inputs[0].values, inputs[1].values).map { $0 + $1 })
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", .elements, roundsOutput: true) { inputs, _, arithmetic in
                try Kernels.add(inputs[0], inputs[1], rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        inputs.enumerated().map { Contribution(input: $0, index: index, value: $1.value(at: index) ?? .nan, weight: 1) }
    }

    package var derivatives: [Derivative] {
        [
            Derivative(0, reads: [], formula: "dA = dY", derivation: ["y = a + b", "∂y/∂a = 1"]),
            Derivative(1, reads: [], formula: "dB = dY", derivation: ["y = a + b", "∂y/∂b = 1"]),
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> { values[0] }
    /// The same numbers: storage is shared, nothing moves.
    package func backwardKernels(_ input: Int) -> [Kernel] { [Kernel("view", .view) { values, _, _ in values[0] }] }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        [Contribution(input: 0, index: index, value: values[0].value(at: index) ?? .nan, weight: 1)]
    }
}
