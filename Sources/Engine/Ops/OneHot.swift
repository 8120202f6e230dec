import Tensors

/// ids [token] → [token, vocabulary]: 1 at the token's own place, 0 elsewhere; a negative id has no place.
package struct OneHot: Op {
    package let classes: Axis

    package init(classes: Axis) { self.classes = classes }

    package static let card = OpCard(
        name: "one-hot", formula: "y[t,j] = 1 if j = id[t], else 0", sentence: "The token that really came, as probabilities.",
        source: "a part of a larger op, shown on its own")
    package static let samples = [OpSample(OneHot(classes: Axis(.vocabulary, 7)), .ids(5, below: 7))]
    package var parameters: [(name: String, value: String)] { [("classes", "\(classes.count)")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 1)
        return Shape([inputs[0].axes[0], classes])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        Dense(Shape([inputs[0].shape.axes[0], classes])) { Int(inputs[0].values[$0 / classes.count]) == $0 % classes.count ? 1 : 0 }
    }
}
