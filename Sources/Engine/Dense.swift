import Tensors

/// A plain array with a shape: what reference kernels read and write.
package struct Dense<R: Scalar>: Sendable {
    package let shape: Shape
    package var values: [R]

    package init(_ shape: Shape, _ values: [R]) {
        self.shape = shape
        self.values = values
    }

    package init(_ shape: Shape, element: (Int) -> R) {
        self.init(shape, (0..<shape.elementCount).map(element))
    }

    /// Row by row: `body` gets the row's number and its elements and gives the new ones.
    package func mapRows(_ body: (Int, ArraySlice<R>) -> [R]) -> Dense<R> {
        Dense(shape, (0..<shape.rowCount).flatMap { body($0, row($0)) })
    }

    package func map(_ body: (R) -> R) -> Dense<R> { Dense(shape, values.map(body)) }

    package func row(_ number: Int) -> ArraySlice<R> {
        let length = shape.rowLength
        return values[number * length..<(number + 1) * length]
    }

    package subscript(_ index: Int...) -> R { shape.position(of: index).map { values[$0] } ?? .nan }
}

extension Dense where R == Double {
    package init(_ tensor: Tensor) { self.init(tensor.shape, tensor.doubles()) }
}

extension Dense where R == Float {
    package init(_ tensor: Tensor) { self.init(tensor.shape, tensor.floats()) }
}
