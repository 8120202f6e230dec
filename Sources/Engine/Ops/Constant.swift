import Tensors

/// One number in every element: dL/dL = 1, where the reverse walk starts; or the loss scale.
package struct Constant: Op {
    package let value: Double
    package let shape: Shape

    package init(_ value: Double, shape: Shape) {
        self.value = value
        self.shape = shape
    }

    package static let card = OpCard(
        name: "constant", formula: "y = c",
        sentence: "Where the reverse walk starts: the loss changes by one when the loss changes by one.",
        source: "dL/dL = 1; scaled as in Micikevicius et al. 2017, arXiv:1710.03740")
    package static let samples = [OpSample(Constant(1, shape: Shape((.item, 1))))]
    package var parameters: [(name: String, value: String)] { [("c", "\(value)")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.isEmpty else { throw ShapeError("takes no inputs") }
        return shape
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { Dense(shape) { _ in R(value) } }
}
