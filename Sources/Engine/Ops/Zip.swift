import RealModule
import Tensors

/// Two values element by element. The second may have one element a row (it serves the whole row), one row (it serves all rows), or be
/// one number.
package struct Zip: Op {
    package enum Function: String, Sendable {
        case add, subtract, multiply, divide
        /// The first's element at the place that the second names, one a row.
        case pick
    }

    package let function: Function

    package init(_ function: Function) { self.function = function }

    package static let card = OpCard(
        name: "zip", formula: "y = a ∘ b", sentence: "Two values element by element.", source: "a part of a larger op, shown on its own")
    package static let samples = [
        OpSample(Zip(.add), .normal(Shape((.token, 3), (.feature, 4))), .normal(Shape((.token, 3), (.feature, 4)))),
        OpSample(Zip(.divide), .normal(Shape((.token, 3), (.feature, 4))), .probabilities(Shape((.token, 3), (.item, 1)))),
        OpSample(Zip(.multiply), .normal(Shape((.token, 3), (.feature, 4))), .normal(Shape((.feature, 4)))),
        OpSample(Zip(.pick), .normal(Shape((.token, 3), (.feature, 4))), .ids(3, below: 4)),
    ]
    package var parameters: [(name: String, value: String)] { [("∘", function.rawValue)] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 2 else { throw ShapeError("takes two inputs, got \(inputs.count)") }
        let (a, b) = (inputs[0], inputs[1])
        if function == .pick {
            try Shapes.expectEqual(a.rowCount, b.elementCount, "rows and places")
            return Shape(Array(a.axes.dropLast()))
        }
        let fits = [a.elementCount, a.rowCount, a.rowLength, 1].contains(b.elementCount)
        if !fits { throw ShapeError("\(b) does not spread over \(a)") }
        return a
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (a, b) = (inputs[0], inputs[1])
        let length = max(a.shape.rowLength, 1)
        if function == .pick {
            return Dense(Shape(Array(a.shape.axes.dropLast()))) { row in
                let place = Int(b.values[row])
                return (0..<length).contains(place) ? a.values[row * length + place] : 0
            }
        }
        return Dense(a.shape) { combine(a.values[$0], b.values[Zip.place($0, of: b.shape, over: a.shape)]) }
    }

    /// Which element of the second serves position `i` of the first.
    static func place(_ i: Int, of b: Shape, over a: Shape) -> Int {
        if b.elementCount == a.elementCount { return i }
        if b.elementCount == 1 { return 0 }
        return b.rowLength == a.rowLength ? i % a.rowLength : i / max(a.rowLength, 1)
    }

    private func combine<R: Scalar>(_ a: R, _ b: R) -> R {
        switch function {
        case .add: a + b
        case .subtract: a - b
        case .multiply: a * b
        case .divide: a / b
        case .pick: a
        }
    }

    package var derivatives: [Derivative] {
        let (first, second) = slopes
        let a = Derivative(0, reads: [.input(0), .input(1)], formula: "da = dy · \(first)", derivation: ["y = a ∘ b", "∂y/∂a = \(first)"])
        if function == .pick { return [a] }
        let b = Derivative(
            1, reads: [.input(0), .input(1)], formula: "db = Σ dy · \(second)",
            derivation: ["∂y/∂b = \(second)", "summed over all places that b served"])
        return [a, b]
    }

    private var slopes: (String, String) {
        switch function {
        case .add: ("1", "1")
        case .subtract: ("1", "(−1)")
        case .multiply: ("b", "a")
        case .divide: ("1/b", "(−a/b²)")
        case .pick: ("[at the place picked]", "")
        }
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let (a, b, dy) = (values[0], values[1], values[2])
        if function == .pick {
            let length = max(a.shape.rowLength, 1)
            return Dense(shape) { Int(b.values[$0 / length]) == $0 % length ? dy.values[$0 / length] : 0 }
        }
        var result = Dense<R>(shape) { _ in 0 }
        for i in a.values.indices {
            let place = Zip.place(i, of: b.shape, over: a.shape)
            result.values[input == 0 ? i : place] += dy.values[i] * slope(input, a.values[i], b.values[place])
        }
        return result
    }

    private func slope<R: Scalar>(_ input: Int, _ a: R, _ b: R) -> R {
        switch function {
        case .add, .pick: 1
        case .subtract: input == 0 ? 1 : -1
        case .multiply: input == 0 ? b : a
        case .divide: input == 0 ? 1 / b : -a / (b * b)
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let (a, b, dy) = (values[0], values[1], values[2])
        if function == .pick {
            let row = Array(index.dropLast())
            guard let place = b.value(at: row), Int(place) == index.last else { return [] }
            return [Contribution(input: 2, index: row, value: dy.value(at: row) ?? .nan, weight: 1)]
        }
        guard let own = gradient.shape.position(of: index) else { return [] }
        // All that the element served: itself, or every place over which the second was spread.
        let served = input == 0 ? [own] : (0..<a.elementCount).filter { Zip.place($0, of: b.shape, over: a.shape) == own }
        return served.map { position in
            let place = a.shape.index(at: position)
            let other = b.shape.index(at: Zip.place(position, of: b.shape, over: a.shape))
            let weight = slope(input, a.value(at: place) ?? .nan, b.value(at: other) ?? .nan)
            return Contribution(input: 2, index: place, value: dy.value(at: place) ?? .nan, weight: weight)
        }
    }
}
