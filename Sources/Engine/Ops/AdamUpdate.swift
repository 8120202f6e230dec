import Foundation
import Tensors

/// What AdamW adds to a weight: from the moments m and v and the weight w itself.
package struct AdamUpdate: Op {
    package let rate: Double
    package let beta1: Double
    package let beta2: Double
    package let epsilon: Double
    package let decay: Double
    /// From 1.
    package let step: Int

    package init(rate: Double, beta1: Double, beta2: Double, epsilon: Double, decay: Double, step: Int) {
        self.rate = rate
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.decay = decay
        self.step = step
    }

    package static let card = OpCard(
        name: "AdamW update", formula: "Δw = −lr·λ·w − lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε)",
        sentence: "A step against the averaged gradient, as long as its own size is, and a pull towards zero.",
        source: "Loshchilov and Hutter 2017, arXiv:1711.05101, algorithm 2; the order of roundings is PyTorch's")
    package static let samples = [
        OpSample(
            AdamUpdate(rate: 1e-2, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: 0.1, step: 3),
            .normal(Shape((.token, 3), (.feature, 20))),
            .probabilities(Shape((.token, 3), (.feature, 20))), .normal(Shape((.token, 3), (.feature, 20))))
    ]
    package var parameters: [(name: String, value: String)] {
        [
            ("lr", "\(rate)"), ("β₁", "\(beta1)"), ("β₂", "\(beta2)"), ("ε", "\(epsilon)"), ("λ", "\(decay)"), ("t", "\(step)"),
        ]
    }

    private var size: Double { rate / (1 - pow(beta1, Double(step))) }
    private var correction: Double { (1 - pow(beta2, Double(step))).squareRoot() }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 3 else { throw ShapeError("takes m, v and the weight, got \(inputs.count) inputs") }
        try Shapes.expectSame(inputs)
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (m, v, w) = (inputs[0].values, inputs[1].values, inputs[2].values)
        let (pull, size, correction, epsilon) = (R(Float(rate * decay)), R(Float(size)), R(Float(correction)), R(Float(epsilon)))
        return Dense(inputs[0].shape) { -pull * w[$0] - size * (m[$0] / (v[$0].squareRoot() / correction + epsilon)) }
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd") { [self] inputs, _, threads in
                try Kernels.adamUpdate(
                    inputs[0], inputs[1], inputs[2], decay: Float(rate * decay), step: Float(size), correction: Float(correction),
                    epsilon: Float(epsilon), threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let m = inputs[0].value(at: index), let v = inputs[1].value(at: index), let w = inputs[2].value(at: index) else { return [] }
        return [
            Contribution(input: 0, index: index, value: m, weight: -size / (v.squareRoot() / correction + epsilon)),
            Contribution(input: 2, index: index, value: w, weight: -rate * decay),
        ]
    }
}
