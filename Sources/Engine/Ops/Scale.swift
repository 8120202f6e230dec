import Tensors

/// x times one number: what Gemma's rows of the embedding are multiplied by. The number itself is rounded to the format of the value
/// before it is used, so that in bf16 √3072 = 55.4256… is 55.5; unless it is to be of another format than the value, see `factor(in:)`.
package struct Scale: Op {
    package let factor: Double
    package let followsFormat: Bool

    package init(_ factor: Double, followsFormat: Bool = true) {
        self.factor = factor
        self.followsFormat = followsFormat
    }

    /// The factor that a value of this format is multiplied by. Of one that does not follow: fp32's in a narrow run, bf16's in a wide one.
    package func factor(in format: NumberFormat) -> Double {
        if followsFormat { return format.nearest(factor) }
        return format.mantissaBits < NumberFormat.fp32.mantissaBits ? NumberFormat.fp32.nearest(factor) : NumberFormat.bf16.nearest(factor)
    }

    /// Of a run that rounds to this, or not at all.
    private func used(_ rounding: Rounding = .none) -> Double { factor(in: rounding.format ?? .fp32) }

    package static let card = OpCard(
        name: "scale", formula: "y = s · x", sentence: "Every number by the same factor; the factor is rounded to the value's own format.",
        source: "Vaswani et al. 2017, arXiv:1706.03762, section 3.4 (√d on the embedding); Gemma: arXiv:2403.08295")
    package static let samples = [true, false].map {
        OpSample(Scale(13.856406460551018, followsFormat: $0), .normal(Shape((.token, 3), (.feature, 21))))
    }
    package var parameters: [(name: String, value: String)] { [("s", "\(used())")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError("takes one input, got \(inputs.count)") }
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> { inputs[0].map { $0 * R(used(rounding)) } }

    package var kernels: [Kernel] {
        [Kernel(rounding: "simd", .elements, roundsOutput: true) { [self] inputs, _, arithmetic in try scaled(inputs[0], arithmetic) }]
    }

    private func scaled(_ x: Tensor, _ arithmetic: Arithmetic) throws -> Tensor {
        try Kernels.scale(x, by: Float(used(arithmetic.rounding)), rounding: arithmetic.rounding.format, threads: arithmetic.threads)
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        [Contribution(input: 0, index: index, value: inputs[0].value(at: index) ?? .nan, weight: used())]
    }

    package var derivatives: [Derivative] {
        [Derivative(0, reads: [], formula: "dX = s · dY", derivation: ["y = s·x", "∂y/∂x = s"])]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        values[0].map { $0 * R(used(rounding)) }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [Kernel(rounding: "simd", .elements, roundsOutput: true) { [self] values, _, arithmetic in try scaled(values[0], arithmetic) }]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        [Contribution(input: 0, index: index, value: values[0].value(at: index) ?? .nan, weight: used())]
    }
}
