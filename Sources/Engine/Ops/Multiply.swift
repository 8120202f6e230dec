import Tensors

/// Multiplies two values of one shape element by element: the gate of a gated MLP.
package struct Multiply: Op {
    package init() {}

    package static let card = OpCard(
        name: "multiply", formula: "y = a · b", sentence: "The gate lets each feature of the other branch through, or not.",
        source: "Shazeer 2020, arXiv:2002.05202")
    package static let samples = [
        OpSample(Multiply(), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.token, 3), (.feature, 21))))
    ]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes two inputs, got \(inputs.count)") }
        try Shapes.expectSame(inputs)
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        Dense(inputs[0].shape, zip(inputs[0].values, inputs[1].values).map { $0 * $1 })
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", .elements, roundsOutput: true) { inputs, _, arithmetic in
                try Kernels.multiply(inputs[0], inputs[1], rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        [Contribution(input: 0, index: index, value: inputs[0].value(at: index) ?? .nan, weight: inputs[1].value(at: index) ?? .nan)]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(0, reads: [.input(1)], formula: "dA = dY · b", derivation: ["y = a · b", "∂y/∂a = b"]),
            Derivative(1, reads: [.input(0)], formula: "dB = dY · a", derivation: ["y = a · b", "∂y/∂b = a"]),
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        Dense(shape, zip(values[1].values, values[0].values).map { $0 * $1 })
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel(rounding: "simd", .elements, roundsOutput: true) { values, _, arithmetic in
                try Kernels.multiply(values[1], values[0], rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        [Contribution(input: 1, index: index, value: values[1].value(at: index) ?? .nan, weight: values[0].value(at: index) ?? .nan)]
    }
}
