import Tensors

/// Each element becomes 0 with probability `rate`; the others are divided by 1 − rate. The draws follow from a key (an input, four parts of
/// 16 bits, which fp32 holds exactly), the value's own name and the element's place, so the same step draws the same again.
package struct Dropout: Op {
    package let rate: Double
    /// Of the value's name: no two dropouts of a pass draw alike.
    package let stream: UInt64

    package init(rate: Double, name: String) {
        self.rate = rate
        // FNV-1a, 64 bits.
        stream = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }

    package static let card = OpCard(
        name: "dropout", formula: "y = x · [draw ≥ p] / (1 − p)",
        sentence: "Some elements are left out at random, so that no one is relied on.",
        source: "Srivastava et al. 2014; counter-based draws: Salmon et al. 2011; the mixer: Steele et al. 2014")
    package static let samples = [
        OpSample(Dropout(rate: 0.4, name: "x"), .normal(Shape((.token, 5), (.feature, 21))), .integers([7, 65535, 0, 12]))
    ]
    package var parameters: [(name: String, value: String)] { [("p", "\(rate)")] }

    /// The four parts of a key that a pass binds.
    package static func parts(of key: UInt64) -> [Int32] { (0..<4).map { Int32((key >> (16 * UInt64($0))) & 0xFFFF) } }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2, inputs[1].elementCount == 4 else { throw ShapeError("takes x and a key of four parts") }
        return inputs[0]
    }

    private var threshold: UInt32 { UInt32(max(0, min(rate, 1)) * 4_294_967_295) }
    private var scale: Float { Float(1 / (1 - rate)) }

    private func key(_ parts: [Int]) -> UInt64 {
        SplitMix64.mix(parts.enumerated().reduce(0) { $0 | UInt64($1.element & 0xFFFF) << (16 * UInt64($1.offset)) } ^ stream)
    }

    /// Whether the element at a place is left out.
    private func drops(_ place: Int, key: UInt64) -> Bool {
        UInt32(SplitMix64.mix(key &+ UInt64(place + 1) &* SplitMix64.step) >> 32) < threshold
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let key = key(inputs[1].values.map { Int($0) })
        return Dense(inputs[0].shape) { drops($0, key: key) ? 0 : inputs[0].values[$0] * R(scale) }
    }

    package var kernels: [Kernel] {
        [Kernel("simd", .elements) { [self] inputs, _, threads in try run(inputs[0], key: inputs[1], threads: threads) }]
    }

    private func run(_ x: Tensor, key parts: Tensor, threads: Int) throws -> Tensor {
        try Kernels.dropout(x, key: key(parts.doubles().map { Int($0) }), threshold: threshold, scale: scale, threads: threads)
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        [share(at: index, inputs[0], key: inputs[1], input: 0)].compactMap { $0 }
    }

    /// What passes of an element; nil if it is left out.
    private func share(at index: [Int], _ x: Tensor, key parts: Tensor, input: Int) -> Contribution? {
        guard let place = x.shape.position(of: index), !drops(place, key: key(parts.doubles().map { Int($0) })) else { return nil }
        return Contribution(input: input, index: index, value: x.value(at: index) ?? .nan, weight: Double(scale))
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(1)], formula: "dX = dY · [draw ≥ p] / (1 − p)",
                derivation: ["y = x·[draw ≥ p]/(1 − p)", "∂y/∂x = [draw ≥ p]/(1 − p): the same elements, the same factor"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> { reference([values[1], values[0]]) }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [Kernel("simd", .elements) { [self] values, _, threads in try run(values[1], key: values[0], threads: threads) }]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        [share(at: index, values[1], key: values[0], input: 1)].compactMap { $0 }
    }
}
