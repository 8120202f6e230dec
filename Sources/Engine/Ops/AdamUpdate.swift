import Foundation
import Tensors

/// What AdamW adds to a weight that its decay has shortened: from the moments m and v.
package struct AdamUpdate: Op {
    package let rate: Double
    package let beta1: Double
    package let beta2: Double
    package let epsilon: Double
    /// From 1.
    package let step: Int

    package init(rate: Double, beta1: Double, beta2: Double, epsilon: Double, step: Int) {
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.step = step
    }

    package static let card = OpCard(
        name: "AdamW update", formula: "Δw = −lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)",
        sentence: "A step against the averaged gradient, measured by the gradient's own size.",
        source: "Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2; the order of roundings is PyTorch's")
    package static let samples = [
        OpSample(
            AdamUpdate(rate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, step: 3),
            .normal(Shape((.token, 3), (.feature, 20))),
            .probabilities(Shape((.token, 3), (.feature, 20))))
    ]
    package var parameters: [(name: String, value: String)] {
        [
            ("lr", "\(rate)"), ("β₁", "\(beta1)"), ("β₂", "\(beta2)"), ("ε", "\(epsilon)"), ("t", "\(step)"),
        ]
    }

    private var size: Double { rate / (1 - pow(beta1, Double(step))) }
    private var correction: Double { (1 - pow(beta2, Double(step))).squareRoot() }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes m and v, got \(inputs.count) inputs") }
        try Shapes.expectSame(inputs)
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (m, v) = (inputs[0].values, inputs[1].values)
        let (size, correction, epsilon) = (R(Float(size)), R(Float(correction)), R(Float(epsilon)))
        return Dense(inputs[0].shape) { -size * m[$0] / (v[$0].squareRoot() / correction + epsilon) }
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd", .elements) { [self] inputs, _, threads in
                try Kernels.adamUpdate(
                    inputs[0], inputs[1], step: Float(size), correction: Float(correction), epsilon: Float(epsilon), threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let m = inputs[0].value(at: index), let v = inputs[1].value(at: index) else { return [] }
        return [Contribution(input: 0, index: index, value: m, weight: -size / (v.squareRoot() / correction + epsilon))]
    }
}
