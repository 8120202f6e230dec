import Tensors

/// The mean over tokens that count: losses [T], targets [T] (negative: does not count) → [1].
package struct Mean: Op {
    package init() {}

    package static let card = OpCard(
        name: "mean loss", formula: "L = Σₜ l[t] / n,  n = tokens that count",
        sentence: "The loss of the text: the average over the tokens that have a target.",
        source: "the denominator is the number of tokens, not of rows")
    package static let samples = [OpSample(Mean(), .normal(Shape((.token, 6))), .ids(6, below: 9))]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 1, 1)
        try Shapes.expectSame(inputs)
        return Shape((.item, 1))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let counted = zip(inputs[0].values, inputs[1].values).filter { $0.1 >= 0 }
        return Dense(Shape((.item, 1)), [counted.reduce(0) { $0 + $1.0 } / R(counted.count)])
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let targets = inputs[1].doubles()
        let count = Double(targets.filter { $0 >= 0 }.count)
        return targets.indices.filter { targets[$0] >= 0 }.map {
            Contribution(input: 0, index: [$0], value: inputs[0].value(at: [$0]) ?? .nan, weight: 1 / count)
        }
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(1)], formula: "dl[t] = dL / n",
                derivation: ["L = Σₜ l[t] / n over the tokens that count", "∂L/∂l[t] = 1/n; 0 for the others"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let targets = values[0].values
        let share = values[1].values[0] / R(targets.filter { $0 >= 0 }.count)
        return Dense(shape, targets.map { $0 >= 0 ? share : 0 })
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let total = values[1].value(at: [0]), let own = gradient.value(at: index), total != 0, own != 0 else { return [] }
        return [Contribution(input: 1, index: [0], value: total, weight: own / total)]
    }
}
