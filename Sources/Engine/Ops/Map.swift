import RealModule
import Tensors

/// One elementary function of each element; the small steps that expansions are made of.
package struct Map: Op {
    package enum Function: Sendable, Hashable {
        case exp, log, square, reciprocalSquareRoot
        case plus(Double), times(Double)
        /// c · tanh(x / c)
        case softcap(Double)
    }

    package let function: Function

    package init(_ function: Function) { self.function = function }

    package static let card = OpCard(
        name: "map", formula: "y = f(x)", sentence: "One function of each element.", source: "a part of a larger op, shown on its own")
    package static let samples = [Map.Function.exp, .square, .plus(2), .times(3), .softcap(2)].map {
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
        }
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let x = inputs[0].value(at: index), let y = output.value(at: index), x != 0 else { return [] }
        return [Contribution(input: 0, index: index, value: x, weight: y / x)]
    }
}
