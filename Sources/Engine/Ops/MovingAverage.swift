import Tensors

/// An exponential moving average of a gradient, or of its squares: Adam's moments.
package struct MovingAverage: Op {
    /// How much of the old average stays.
    package let beta: Double
    package let squared: Bool

    package init(beta: Double, squared: Bool) {
        self.beta = beta
        self.squared = squared
    }

    package static let card = OpCard(
        name: "moving average", formula: "m ← m + (1−β₁)·(g − m);  v ← β₂·v + (1−β₂)·g²",
        sentence: "What the gradients of the last 1/(1−β) steps have in common.", source: "Kingma and Ba 2014, arXiv:1412.6980, algorithm 1"
    )
    package static let samples = [false, true].map {
        OpSample(
            MovingAverage(beta: 0.9, squared: $0), .normal(Shape((.token, 3), (.feature, 21))), .normal(Shape((.token, 3), (.feature, 21))))
    }
    package var parameters: [(name: String, value: String)] { [("β", "\(beta)"), ("of", squared ? "squares" : "the gradient itself")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes the average and the gradient, got \(inputs.count) inputs") }
        try Shapes.expectSame(inputs)
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (keep, weight) = (R(Float(beta)), R(Float(1 - beta)))
        return Dense(
            inputs[0].shape,
            zip(inputs[0].values, inputs[1].values).map { average, g in
                if squared { return (keep * average).addingProduct(weight * g, g) }
                // From the nearer end, as torch.lerp has it.
                return weight < 0.5 ? average.addingProduct(weight, g - average) : g.addingProduct(weight - 1, g - average)
            })
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd", .elements) { [self] inputs, _, threads in
                squared
                    ? try Kernels.averageSquares(inputs[0], inputs[1], keep: Float(beta), weight: Float(1 - beta), threads: threads)
                    : try Kernels.lerp(inputs[0], inputs[1], weight: Float(1 - beta), threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let g = inputs[1].value(at: index) ?? .nan
        return [
            Contribution(input: 0, index: index, value: inputs[0].value(at: index) ?? .nan, weight: beta),
            Contribution(input: 1, index: index, value: g, weight: (1 - beta) * (squared ? g : 1)),
        ]
    }
}
