import RealModule
import Tensors

/// cap · tanh(x / cap), element by element: nothing leaves −cap…cap, and what is small stays as it is. A cap of 0 is none: y = x.
package struct SoftCap: Op {
    package let cap: Double

    package init(_ cap: Double) { self.cap = cap }

    package static let card = OpCard(
        name: "soft cap", formula: "y = c · tanh(x / c)", sentence: "Bends large numbers towards a limit that none of them passes.",
        source: "Bello et al. 2016, arXiv:1611.09940 (clipped logits); Gemma 2: arXiv:2408.00118, section 2")
    package static let samples = [
        OpSample(SoftCap(2), .normal(Shape((.token, 3), (.vocabulary, 37)))),
        OpSample(SoftCap(0.5), .normal(Shape((.token, 2), (.vocabulary, 16)))),
        OpSample(SoftCap(0), .normal(Shape((.token, 2), (.vocabulary, 5)))),
    ]
    package var parameters: [(name: String, value: String)] { [("c", cap > 0 ? "\(cap)" : "none")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError("takes one input, got \(inputs.count)") }
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded are x / c and its tanh.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        cap > 0 ? inputs[0].map { R(cap) * rounding(R.tanh(rounding($0 / R(cap)))) } : inputs[0]
    }

    package var kernels: [Kernel] {
        guard cap > 0 else { return [Kernel("view", .view) { inputs, _, _ in inputs[0] }] }
        return [
            Kernel(rounding: "simd", .elements, roundsOutput: true) { [cap] inputs, _, arithmetic in
                try Kernels.softcap(inputs[0], cap: Float(cap), rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let x = inputs[0].value(at: index), let y = output.value(at: index), x != 0 else { return [] }
        return [Contribution(input: 0, index: index, value: x, weight: y / x)]
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        guard cap > 0 else { return nil }
        let share = graph.apply(Map(.times(1 / cap)), [inputs[0]], as: "x/c")
        let bent = graph.apply(Activation(.tanh), [share], as: "tanh(x/c)")
        return graph.apply(Map(.times(cap)), [bent], as: "c·tanh(x/c)")
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(0)], formula: "dX = dY · (1 − tanh²(x/c))",
                derivation: ["y = c·tanh(x/c)", "∂tanh(u)/∂u = 1 − tanh²(u)", "∂y/∂x = 1 − tanh²(x/c)"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// Rounded are x / c, its tangent, dY·c, and that times the tangent's slope. The tangent is made again, since it cannot be read off a
    /// rounded y.
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        guard cap > 0 else { return values[1] }
        return Dense(
            shape,
            zip(values[0].values, values[1].values).map { x, dy in
                SoftCap.slope(dy, tangent: rounding(R.tanh(rounding(x / R(cap)))), R(cap), rounding)
            })
    }

    /// dy through the cap: (1 − t)·(1 + t), since near the cap the square would lose digits.
    static func slope<R: Scalar>(_ dy: R, tangent t: R, _ cap: R, _ rounding: Rounding) -> R {
        guard rounding.format != nil else { return dy * ((1 - t) * (1 + t)) }
        return rounding(rounding(dy * cap) * (1 - t * t)) / cap
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        guard cap > 0 else { return [Kernel("view", .view) { values, _, _ in values[1] }] }
        return [
            Kernel(rounding: "simd") { [cap] values, _, arithmetic in
                try Kernels.softcapGradient(
                    values[1], scores: values[0], isCapped: false, cap: Float(cap), rounding: arithmetic.rounding.format,
                    threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let x = values[0].value(at: index), let dy = values[1].value(at: index) else { return [] }
        let t = cap > 0 ? Double.tanh(x / cap) : 0
        return [Contribution(input: 1, index: index, value: dy, weight: 1 - t * t)]
    }

    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard cap > 0 else { return nil }
        let share = graph.apply(Map(.times(1 / cap)), [values[0]], as: "x/c")
        let square = graph.apply(Map(.square), [graph.apply(Activation(.tanh), [share], as: "tanh(x/c)")], as: "tanh²(x/c)")
        let slope = graph.apply(Map(.plus(1)), [graph.apply(Map(.times(-1)), [square], as: "−tanh²(x/c)")], as: "1 − tanh²(x/c)")
        return graph.apply(Zip(.multiply), [values[1], slope], as: "dY·(1 − tanh²(x/c))")
    }
}
