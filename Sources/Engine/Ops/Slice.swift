import Tensors

/// A block of a value, one range an axis, laid out in one row: the operand of a dot product wherever it lies.
package struct Slice: Op {
    package let ranges: [Range<Int>]

    package init(_ ranges: [Range<Int>]) { self.ranges = ranges }

    package static let card = OpCard(
        name: "slice", formula: "y = x[a…b, c…d] in one row", sentence: "Some rows and columns of a value, one after the other.",
        source: "a part of a larger op, shown on its own")
    package static let samples = [
        OpSample(Slice([1..<3, 2..<3]), .normal(Shape((.token, 3), (.feature, 4)))),
        OpSample(Slice([0..<2, 1..<3, 3..<4]), .normal(Shape((.head, 2), (.token, 3), (.feature, 4)))),
    ]
    package var parameters: [(name: String, value: String)] {
        [("index", ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)…\($0.upperBound - 1)" }.joined(separator: ","))]
    }

    private var block: Shape { Shape(ranges.map { Axis(.item, $0.count) }) }

    /// Where the element at `position` of the row lies in the input.
    private func place(_ position: Int) -> [Int] { zip(block.index(at: position), ranges).map { $0 + $1.lowerBound } }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, inputs[0].rank == ranges.count else { throw ShapeError("takes one input with \(ranges.count) axes") }
        for (range, axis) in zip(ranges, inputs[0].axes) where range.lowerBound < 0 || range.upperBound > axis.count {
            throw ShapeError("\(range) lies outside 0..<\(axis.count)")
        }
        return Shape((.item, block.elementCount))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let x = inputs[0]
        return Dense(Shape((.item, block.elementCount))) { x.values[x.shape.position(of: place($0)) ?? 0] }
    }

    /// Reads only what it shows.
    package var kernels: [Kernel] {
        [
            Kernel("strided", .strided) { inputs, shape, _ in
                try Tensor(shape) { out in
                    for position in out.indices { out[position] = Float(inputs[0].value(at: place(position)) ?? .nan) }
                }
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let source = place(index[0])
        return [Contribution(input: 0, index: source, value: inputs[0].value(at: source) ?? .nan, weight: 1)]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [], formula: "dx[a…b, c…d] = dy, 0 elsewhere",
                derivation: ["y = x[a…b, c…d]", "every number goes back to its place"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        var result = Dense<R>(shape) { _ in 0 }
        for (position, number) in values[0].values.enumerated() {
            if let target = shape.position(of: place(position)) { result.values[target] = number }
        }
        return result
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard zip(index, ranges).allSatisfy({ $1.contains($0) }),
            let position = block.position(of: zip(index, ranges).map { $0 - $1.lowerBound })
        else { return [] }
        return [Contribution(input: 0, index: [position], value: values[0].value(at: [position]) ?? .nan, weight: 1)]
    }
}
