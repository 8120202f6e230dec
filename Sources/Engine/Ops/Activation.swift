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

    /// What Hugging Face writes as a chain of elementary functions is rounded after each.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding r: Rounding) -> Dense<R> {
        guard r.format != nil else { return reference(inputs) }
        return inputs[0].map { x in
            switch function {
            case .geluNew:
                let inner = r(x + r(R(0.044715) * r.cube(x)))
                return r(R(0.5) * x) * r(1 + r(R.tanh(r(R(0.797884560802865355879892) * inner))))
            case .geluQuick: return x * r(Activation.value(.sigmoid, r(R(1.702) * x)))
            default: return Activation.value(function, x)
            }
        }
    }

    static func value<R: Scalar>(_ function: ElementFunction, _ x: R) -> R {
        switch function {
        case .silu: x / (1 + R.exp(-x))
        case .geluTanh, .geluNew: x / 2 * (1 + R.tanh(R(0.797884560802865355879892) * (x + R(0.044715) * x * x * x)))
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
        [
            Kernel(rounding: "simd", Activation.simd, roundsOutput: true) { [function] inputs, _, arithmetic in
                try Kernels.map(function, inputs[0], rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
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

    package var derivatives: [Derivative] {
        [Derivative(0, reads: [.input(0)], formula: "dX = dY · f′(x),  f′ = \(slopeFormula.last ?? "")", derivation: slopeFormula)]
    }

    /// From f to f′.
    private var slopeFormula: [String] {
        switch function {
        case .silu: ["f = x·σ,  σ = 1/(1 + e⁻ˣ)", "σ′ = σ·(1 − σ)", "σ + x·σ·(1 − σ)", "σ·(1 + x·(1 − σ))"]
        case .geluTanh, .geluNew:
            ["f = x/2·(1 + tanh u),  u = √(2/π)(x + 0.044715x³)", "u′ = √(2/π)(1 + 3·0.044715x²)", "½(1 + tanh u) + ½x·(1 − tanh² u)·u′"]
        case .geluErf: ["f = x·Φ(x)", "Φ′ = φ = e^(−x²/2)/√(2π)", "Φ(x) + x·φ(x)"]
        case .geluQuick: ["f = x·σ(1.702x)", "σ·(1 + 1.702x·(1 − σ)),  σ = σ(1.702x)"]
        case .relu: ["f = max(x, 0)", "1 where x > 0, else 0"]
        case .reluSquared: ["f = max(x, 0)²", "2·max(x, 0)"]
        case .exp: ["f = eˣ", "eˣ"]
        case .tanh: ["f = tanh x", "1 − tanh² x"]
        case .sigmoid: ["f = σ(x)", "σ·(1 − σ)"]
        }
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        Dense(shape, zip(values[0].values, values[1].values).map { $1 * Activation.slope(function, $0) })
    }

    static func slope<R: Scalar>(_ function: ElementFunction, _ x: R) -> R {
        switch function {
        case .silu:
            let s = value(.sigmoid, x)
            return s * (1 + x * (1 - s))
        case .geluTanh, .geluNew:
            let root = R(0.797884560802865355879892)
            let t = R.tanh(root * (x + R(0.044715) * x * x * x))
            return (1 + t) / 2 + x / 2 * (1 - t * t) * root * (1 + 3 * R(0.044715) * x * x)
        case .geluErf: return (1 + R.erf(x * R(0.707106781186547524400844))) / 2 + x * R.exp(-x * x / 2) * R(0.398942280401432677939946)
        case .geluQuick:
            let s = value(.sigmoid, R(1.702) * x)
            return s * (1 + R(1.702) * x * (1 - s))
        case .relu: return x > 0 ? 1 : 0
        case .reluSquared: return 2 * max(x, 0)
        case .exp: return R.exp(x)
        case .tanh: return 1 - R.tanh(x) * R.tanh(x)
        case .sigmoid:
            let s = value(.sigmoid, x)
            return s * (1 - s)
        }
    }

    /// Of a chain of elementary functions the gradient of each is rounded, and so is the sum of what they send to x, in the order in
    /// which autograd walks them back.
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        guard rounding.format != nil else { return backward(input, values, shape: shape) }
        return Dense(
            shape,
            zip(values[0].values, values[1].values).map { x, dy in
                switch function {
                case .geluNew: Activation.newSlope(x, dy, rounding)
                case .geluQuick: Activation.quickSlope(x, dy, rounding)
                default: dy * Activation.slope(function, x)
                }
            })
    }

    /// y = (x/2)·(1 + tanh u), u = √(2/π)·(x + 0.044715·x³)
    private static func newSlope<R: Scalar>(_ x: R, _ dy: R, _ r: Rounding) -> R {
        let (root, cubic) = (R(0.797884560802865355879892), R(0.044715))
        let t = r(R.tanh(r(root * r(x + r(cubic * r.cube(x))))))
        let sum = r(r(r(dy * r(R(0.5) * x)) * (1 - t * t)) * root)
        let cube = r(r(sum * cubic) * r(3 * r(x * x)))
        return r(sum + cube) + r(r(dy * r(1 + t)) * R(0.5))
    }

    /// y = x·σ(1.702x)
    private static func quickSlope<R: Scalar>(_ x: R, _ dy: R, _ r: Rounding) -> R {
        let s = r(value(.sigmoid, r(R(1.702) * x)))
        return r(dy * s) + r(r.sigmoidSlope(r(dy * x), s) * R(1.702))
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel(rounding: "simd", roundsOutput: true) { [function] values, _, arithmetic in
                try Kernels.mapBackward(
                    function, values[0], values[1], rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let x = values[0].value(at: index), let dy = values[1].value(at: index) else { return [] }
        return [Contribution(input: 1, index: index, value: dy, weight: Activation.slope(function, x))]
    }

    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard let slope = slope(&graph, values[0]) else { return nil }
        return graph.apply(Zip(.multiply), [values[1], slope], as: "dY·f′(x)")
    }

    /// f′ term by term; nil where there is nothing between x and it.
    private func slope(_ graph: inout Graph, _ x: Node) -> Node? {
        switch function {
        case .silu: return sigmoidSlope(&graph, x, "x")
        case .geluQuick: return sigmoidSlope(&graph, graph.apply(Map(.times(1.702)), [x], as: "1.702x"), "1.702x")
        case .geluErf: return errorFunctionSlope(&graph, x)
        case .geluTanh, .geluNew: return tanhSlope(&graph, x)
        case .relu: return nil
        case .reluSquared: return graph.apply(Map(.times(2)), [graph.apply(Activation(.relu), [x], as: "max(x, 0)")], as: "2·max(x, 0)")
        case .exp: return graph.apply(Map(.exp), [x], as: "eˣ")
        case .tanh: return oneMinusSquare(&graph, graph.apply(Activation(.tanh), [x], as: "tanh x"), "tanh")
        case .sigmoid:
            let s = graph.apply(Activation(.sigmoid), [x], as: "σ")
            return graph.apply(Zip(.multiply), [s, oneMinus(&graph, s, "σ")], as: "σ·(1 − σ)")
        }
    }

    private func oneMinus(_ graph: inout Graph, _ x: Node, _ name: String) -> Node {
        graph.apply(Map(.plus(1)), [graph.apply(Map(.times(-1)), [x], as: "−\(name)")], as: "1 − \(name)")
    }

    private func oneMinusSquare(_ graph: inout Graph, _ t: Node, _ name: String) -> Node {
        oneMinus(&graph, graph.apply(Map(.square), [t], as: "\(name)²"), "\(name)²")
    }

    /// σ·(1 + z·(1 − σ)) with σ = σ(z)
    private func sigmoidSlope(_ graph: inout Graph, _ z: Node, _ name: String) -> Node {
        let s = graph.apply(Activation(.sigmoid), [z], as: "σ")
        let bent = graph.apply(Zip(.multiply), [z, oneMinus(&graph, s, "σ")], as: "\(name)·(1 − σ)")
        let sum = graph.apply(Map(.plus(1)), [bent], as: "1 + \(name)·(1 − σ)")
        return graph.apply(Zip(.multiply), [s, sum], as: "σ·(1 + \(name)·(1 − σ))")
    }

    /// Φ(x) + x·φ(x)
    private func errorFunctionSlope(_ graph: inout Graph, _ x: Node) -> Node {
        let scaled = graph.apply(Map(.times(0.707106781186547524400844)), [x], as: "x/√2")
        let shifted = graph.apply(Map(.plus(1)), [graph.apply(Map(.erf), [scaled], as: "erf(x/√2)")], as: "1 + erf(x/√2)")
        let area = graph.apply(Map(.times(0.5)), [shifted], as: "Φ(x)")
        let exponent = graph.apply(Map(.times(-0.5)), [graph.apply(Map(.square), [x], as: "x²")], as: "−x²/2")
        let bell = graph.apply(Map(.exp), [exponent], as: "exp(−x²/2)")
        let density = graph.apply(Map(.times(0.398942280401432677939946)), [bell], as: "φ(x)")
        return graph.apply(Zip(.add), [area, graph.apply(Zip(.multiply), [x, density], as: "x·φ(x)")], as: "Φ(x) + x·φ(x)")
    }

    /// ½(1 + tanh u) + ½x·(1 − tanh² u)·u′
    private func tanhSlope(_ graph: inout Graph, _ x: Node) -> Node {
        let root = 0.797884560802865355879892
        let square = graph.apply(Map(.square), [x], as: "x²")
        let cubic = graph.apply(Map(.plus(1)), [graph.apply(Map(.times(0.044715)), [square], as: "0.044715x²")], as: "1 + 0.044715x²")
        let u = graph.apply(Map(.times(root)), [graph.apply(Zip(.multiply), [x, cubic], as: "x + 0.044715x³")], as: "u")
        let t = graph.apply(Activation(.tanh), [u], as: "tanh u")
        let half = graph.apply(Map(.times(0.5)), [graph.apply(Map(.plus(1)), [t], as: "1 + tanh u")], as: "½(1 + tanh u)")
        let steep = graph.apply(
            Map(.plus(1)), [graph.apply(Map(.times(3 * 0.044715)), [square], as: "3·0.044715x²")], as: "1 + 3·0.044715x²")
        let slope = graph.apply(Map(.times(root)), [steep], as: "u′")
        let bent = graph.apply(
            Zip(.multiply), [graph.apply(Map(.times(0.5)), [x], as: "½x"), oneMinusSquare(&graph, t, "tanh u")], as: "½x·(1 − tanh² u)")
        return graph.apply(Zip(.add), [half, graph.apply(Zip(.multiply), [bent, slope], as: "½x·(1 − tanh² u)·u′")], as: "f′(x)")
    }
}
