import Tensors

/// Adds any number of values of one shape, left to right: what meets where a value was read several times.
package struct Sum: Op {
    static let mostInputs = 64

    package init() {}

    package static let card = OpCard(
        name: "sum", formula: "y = a + b + …", sentence: "Every reader of a value sends a gradient back, and they add up.",
        source: "the multivariable chain rule")
    package static let samples = [
        OpSample(
            Sum(), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.token, 3), (.feature, 21))),
            .normal(Shape((.token, 3), (.feature, 21))))
    ]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard let first = inputs.first, inputs.count > 1, inputs.count <= Sum.mostInputs else {
            throw ShapeError("takes 2…\(Sum.mostInputs) inputs, got \(inputs.count)")
        }
        try Shapes.expectSame(inputs)
        return first
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded is the sum after each addition.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        Dense(inputs[0].shape) { i in inputs.dropFirst().reduce(inputs[0].values[i]) { rounding($0 + $1.values[i]) } }
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", .elements, roundsOutput: true) { inputs, shape, arithmetic in
                guard let format = arithmetic.rounding.format else {
                    return try Kernels.sum(inputs, shape: shape, threads: arithmetic.threads)
                }
                let first = inputs.count > 1 ? inputs[0] : try format.rounded(inputs[0], threads: arithmetic.threads)
                return try inputs.dropFirst().reduce(first) { sum, next in
                    try Kernels.add(sum, next, rounding: format, threads: arithmetic.threads)
                }
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        inputs.enumerated().map { Contribution(input: $0, index: index, value: $1.value(at: index) ?? .nan, weight: 1) }
    }

    /// As many as the catalogue's longest sum would need; a step reads only those it has inputs for.
    package var derivatives: [Derivative] {
        (0..<Sum.mostInputs).map { Derivative($0, reads: [], formula: "dA = dY", derivation: ["y = a + b + …", "∂y/∂a = 1"]) }
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> { values[0] }
    package func backwardKernels(_ input: Int) -> [Kernel] { [Kernel("view", .view) { values, _, _ in values[0] }] }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        [Contribution(input: 0, index: index, value: values[0].value(at: index) ?? .nan, weight: 1)]
    }
}
