import RealModule
import Tensors

/// One elementary function of each element; the small steps that expansions are made of.
package struct Map: Op {
    package enum Function: Sendable, Hashable {
        case exp, log, square, reciprocalSquareRoot
        case plus(Double), times(Double)
        /// c · tanh(x / c)
        case softcap(Double)
        /// 1 − (y / c)²: the slope of the soft cap where its result is y; 0 where y is hidden.
        case softcapSlope(Double)
        case erf
    }

    package let function: Function

    package init(_ function: Function) { self.function = function }

    package static let card = OpCard(
        name: "map", formula: "y = f(x)", sentence: "One function of each element.", source: "a part of a larger op, shown on its own")
    package static let samples = [Map.Function.exp, .square, .plus(2), .times(3), .softcap(2), .softcapSlope(2), .erf].map {
        OpSample(Map($0), .normal(Shape((.token, 3), (.feature, 4))))
    }
    package var parameters: [(name: String, value: String)] { [("f", "\(function)")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1 else { throw ShapeError("takes one input, got \(inputs.count)") }
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { inputs[0].map(value) }

    private func value<R: Scalar>(_ x: R) -> R {
        switch function {
        case .exp: R.exp(x)
        case .log: R.log(x)
        case .square: x * x
        case .reciprocalSquareRoot: 1 / x.squareRoot()
        case .plus(let number): x + R(number)
        case .times(let number): x * R(number)
        case .softcap(let cap): R(cap) * R.tanh(x / R(cap))
        case .softcapSlope(let cap): x.isFinite ? 1 - (x / R(cap)) * (x / R(cap)) : 0
        case .erf: R.erf(x)
        }
    }

    package var kernels: [Kernel] {
        guard case .times(let number) = function else { return [] }
        return [Kernel("simd", .elements) { inputs, _, threads in try Kernels.scale(inputs[0], by: Float(number), threads: threads) }]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let x = inputs[0].value(at: index), let y = output.value(at: index), x != 0 else { return [] }
        return [Contribution(input: 0, index: index, value: x, weight: y / x)]
    }

    package var derivatives: [Derivative] {
        [Derivative(0, reads: [.input(0)], formula: "dx = dy · f′(x)", derivation: ["y = f(x)", "the chain rule"])]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        Dense(shape, zip(values[0].values, values[1].values).map { $1 * slope($0) })
    }

    private func slope<R: Scalar>(_ x: R) -> R {
        switch function {
        case .exp: return R.exp(x)
        case .log: return 1 / x
        case .square: return 2 * x
        case .reciprocalSquareRoot: return -1 / (2 * x * x.squareRoot())
        case .plus: return 1
        case .times(let number): return R(number)
        case .softcap(let cap):
            let t = R.tanh(x / R(cap))
            return 1 - t * t
        case .softcapSlope(let cap): return x.isFinite ? -2 * x / R(cap * cap) : 0
        case .erf: return R.exp(-x * x) * R(1.128379167095512573896159)
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let x = values[0].value(at: index), let dy = values[1].value(at: index) else { return [] }
        return [Contribution(input: 1, index: index, value: dy, weight: slope(x))]
    }
}
