import Tensors

/// a + s · b: what an adapter adds to the matrix beside it, with two roundings, or what a step of SGD adds to a weight, with one.
package struct AddScaled: Op {
    package let scale: Double
    /// Whether product and sum are one operation.
    package let isFused: Bool

    package init(scale: Double, isFused: Bool = false) {
        self.scale = scale
        self.isFused = isFused
    }

    package static let card = OpCard(
        name: "add scaled", formula: "y = a + s · b",
        sentence: "The adapter's low-rank product joins that of the frozen matrix, scaled by α/r.",
        source: "Hu et al. 2021, arXiv:2106.09685, section 4.1; α/√r: Kalajdzievski 2023, arXiv:2312.03732")
    package static let samples = [
        OpSample(AddScaled(scale: 1.7), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.token, 3), (.feature, 21)))),
        OpSample(
            AddScaled(scale: -0.3, isFused: true), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.token, 3), (.feature, 21)))),
    ]
    package var parameters: [(name: String, value: String)] { [("s", "\(scale)")] + (isFused ? [("rounded", "once")] : []) }

    package var isRepeatedCheaply: Bool { false }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes two inputs, got \(inputs.count)") }
        try Shapes.expectSame(inputs)
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded is s · b.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let pairs = zip(inputs[0].values, inputs[1].values)
        if isFused { return Dense(inputs[0].shape, pairs.map { $0.addingProduct(R(Float(scale)), $1) }) }
        return Dense(inputs[0].shape, pairs.map { $0 + rounding(R(Float(scale)) * $1) })
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", .elements) { [scale, isFused] inputs, _, arithmetic in
                let threads = arithmetic.threads
                if isFused { return try Kernels.addProduct(inputs[0], inputs[1], factor: Float(scale), threads: threads) }
                guard let format = arithmetic.rounding.format else {
                    return try Kernels.addScaled(inputs[0], inputs[1], factor: Float(scale), threads: threads)
                }
                let scaled = try format.rounded(Kernels.scale(inputs[1], by: Float(scale), threads: threads), threads: threads)
                return try Kernels.add(inputs[0], scaled, threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        inputs.enumerated().map {
            Contribution(input: $0, index: index, value: $1.value(at: index) ?? .nan, weight: $0 == 0 ? 1 : Double(Float(scale)))
        }
    }

    package var derivatives: [Derivative] {
        [
            Derivative(0, reads: [], formula: "dA = dY", derivation: ["y = a + s·b", "∂y/∂a = 1"]),
            Derivative(1, reads: [], formula: "dB = s · dY", derivation: ["y = a + s·b", "∂y/∂b = s"]),
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        input == 0 ? values[0] : values[0].map { R(Float(scale)) * $0 }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        if input == 0 { return [Kernel("view", .view) { values, _, _ in values[0] }] }
        return [
            Kernel("simd", .elements) { [scale] values, _, threads in
                try Kernels.scale(values[0], by: Float(scale), threads: threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let weight = input == 0 ? 1 : Double(Float(scale))
        return [Contribution(input: 0, index: index, value: values[0].value(at: index) ?? .nan, weight: weight)]
    }
}
