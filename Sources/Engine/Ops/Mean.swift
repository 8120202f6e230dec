import Tensors

/// The mean over tokens that count: losses [T], targets [T] (negative: does not count) → [1]. As a share, a third input [1] is
/// the denominator: tokens that count in the whole batch, of which this text is a part, so that the shares add up to the batch's mean.
package struct Mean: Op {
    /// Whether the denominator is given, as a third input.
    package let isShare: Bool

    package init(isShare: Bool = false) { self.isShare = isShare }

    package static let card = OpCard(
        name: "mean loss", formula: "L = Σₜ l[t] / n,  n = tokens that count",
        sentence: "The loss of the text: the average over the tokens that have a target.",
        source: "the denominator is the number of tokens, not of rows")
    package static let samples = [
        OpSample(Mean(), .normal(Shape((.token, 6))), .ids(6, below: 9)),
        OpSample(Mean(isShare: true), .normal(Shape((.token, 4))), .integers([3, -100, 0, 5]), .integers([7])),
    ]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == (isShare ? 3 : 2) else { throw ShapeError("takes losses, targets\(isShare ? " and a denominator" : "")") }
        try Shapes.expectSame(Array(inputs[..<2]))
        if isShare { try Shapes.expectEqual(inputs[2].elementCount, 1, "the denominator's elements") }
        return Shape((.item, 1))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let counted = zip(inputs[0].values, inputs[1].values).filter { $0.1 >= 0 }
        return Dense(Shape((.item, 1)), [counted.reduce(0) { $0 + $1.0 } / (isShare ? inputs[2].values[0] : R(counted.count))])
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let targets = inputs[1].doubles()
        let count = isShare ? inputs[2].value(at: [0]) ?? .nan : Double(targets.filter { $0 >= 0 }.count)
        return targets.indices.filter { targets[$0] >= 0 }.map {
            Contribution(input: 0, index: [$0], value: inputs[0].value(at: [$0]) ?? .nan, weight: 1 / count)
        }
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(1)] + (isShare ? [.input(2)] : []), formula: "dl[t] = dL / n",
                derivation: ["L = Σₜ l[t] / n over the tokens that count", "∂L/∂l[t] = 1/n; 0 for the others"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let targets = values[0].values
        let count = isShare ? values[1].values[0] : R(targets.filter { $0 >= 0 }.count)
        let share = values[values.count - 1].values[0] / count
        return Dense(shape, targets.map { $0 >= 0 ? share : 0 })
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let total = values[values.count - 1].value(at: [0]), let own = gradient.value(at: index), total != 0, own != 0 else {
            return []
        }
        return [Contribution(input: values.count - 1, index: [0], value: total, weight: own / total)]
    }
}
