import RealModule
import Tensors

/// One number a row: [rows, n] → [rows, 1].
package struct Reduce: Op {
    package enum Function: String, Sendable { case sum, mean, max }

    package let function: Function

    package init(_ function: Function) { self.function = function }

    package static let card = OpCard(
        name: "reduce", formula: "y = Σⱼ x[j], mean or max", sentence: "One number a row.",
        source: "a part of a larger op, shown on its own")
    package static let samples = [Function.sum, .mean, .max].map { OpSample(Reduce($0), .normal(Shape((.token, 3), (.feature, 5)))) }
    package var parameters: [(name: String, value: String)] { [("function", function.rawValue)] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank > 0 else { throw ShapeError("takes one input with rows") }
        return inputs[0].replacingLast(Axis(.item, 1))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let x = inputs[0]
        return Dense(x.shape.replacingLast(Axis(.item, 1))) { number in
            let row = x.row(number)
            switch function {
            case .sum: return row.reduce(0, +)
            case .mean: return row.reduce(0, +) / R(max(row.count, 1))
            case .max: return row.max() ?? -.infinity
            }
        }
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let row = index.dropLast()
        let weight = function == .mean ? 1 / Double(max(inputs[0].shape.rowLength, 1)) : 1
        let all = (0..<inputs[0].shape.rowLength).map {
            Contribution(input: 0, index: row + [$0], value: inputs[0].value(at: row + [$0]) ?? .nan, weight: weight)
        }
        return function == .max ? Array(all.filter { $0.value == output.value(at: index) }.prefix(1)) : all
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(0), .output],
                formula: function == .max ? "dx[j] = dy where x[j] is the maximum" : function == .mean ? "dx[j] = dy / n" : "dx[j] = dy",
                derivation: ["y = \(function.rawValue) of the row"])
        ]
    }

    /// Of several equal maxima the first takes all.
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        values[0].mapRows { number, row in
            let dy = values[2].values[number]
            let top = row.firstIndex(of: values[1].values[number])
            return row.indices.map {
                switch function {
                case .sum: dy
                case .mean: dy / R(max(row.count, 1))
                case .max: $0 == top ? dy : 0
                }
            }
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let row = Array(index.dropLast())
        let place = row + [0]
        guard let dy = values[2].value(at: place) else { return [] }
        let length = values[0].shape.rowLength
        switch function {
        case .sum: return [Contribution(input: 2, index: place, value: dy, weight: 1)]
        case .mean: return [Contribution(input: 2, index: place, value: dy, weight: 1 / Double(max(length, 1)))]
        case .max:
            let top = values[1].value(at: place)
            let first = (0..<length).first { values[0].value(at: row + [$0]) == top }
            return first == index.last ? [Contribution(input: 2, index: place, value: dy, weight: 1)] : []
        }
    }
}
