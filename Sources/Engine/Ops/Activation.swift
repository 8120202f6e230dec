import RealModule
import Tensors

/// The non-linearity of an MLP, element by element.
package struct Activation: Op {
    package let function: ElementFunction

    package init(_ function: ElementFunction) { self.function = function }

    package static let card = OpCard(
        name: "activation", formula: "silu: x/(1 + e⁻ˣ);  gelu: x·Φ(x);  gelu tanh: x/2·(1 + tanh(√(2/π)(x + 0.044715x³)))",
        sentence: "Bends each number on its own; without it the layers would be one matrix.",
        source: "GELU: Hendrycks and Gimpel 2016, arXiv:1606.08415; SiLU: Elfwing et al. 2017; squared ReLU: So et al. 2021")
    package static let samples = ElementFunction.allCases.map { OpSample(Activation($0), .normal(Shape((.token, 3), (.feature, 19)))) }
    package var parameters: [(name: String, value: String)] { [("function", function.rawValue)] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError("takes one input, got \(inputs.count)") }
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { inputs[0].map { Activation.value(function, $0) } }

    static func value<R: Scalar>(_ function: ElementFunction, _ x: R) -> R {
        switch function {
        case .silu: x / (1 + R.exp(-x))
        case .geluTanh: x / 2 * (1 + R.tanh(R(0.797884560802865355879892) * (x + R(0.044715) * x * x * x)))
        case .geluErf: x / 2 * (1 + R.erf(x * R(0.707106781186547524400844)))
        case .geluQuick: x / (1 + R.exp(R(-1.702) * x))
        case .relu: max(x, 0)
        case .reluSquared: max(x, 0) * max(x, 0)
        case .exp: R.exp(x)
        case .tanh: R.tanh(x)
        case .sigmoid: 1 / (1 + R.exp(-x))
        }
    }

    package var kernels: [Kernel] {
        [Kernel("simd") { [function] inputs, _, threads in try Kernels.map(function, inputs[0], threads: threads) }]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let x = inputs[0].value(at: index), let y = output.value(at: index), x != 0 else { return [] }
        return [Contribution(input: 0, index: index, value: x, weight: y / x)]
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        guard function == .silu else { return nil }
        let gate = graph.apply(Activation(.sigmoid), [inputs[0]], as: "σ(x)")
        return graph.apply(Zip(.multiply), [inputs[0], gate], as: "x·σ(x)")
    }
}
