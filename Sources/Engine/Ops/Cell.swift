import Tensors

/// A part of a value: the first axes fixed by `prefix`, the last ones by `suffix`; one axis, or one number, stays.
package struct Cell: Op {
    package let prefix: [Int]
    package let suffix: [Int]

    package init(prefix: [Int], suffix: [Int] = []) {
        self.prefix = prefix
        self.suffix = suffix
    }

    package static let card = OpCard(
        name: "part", formula: "y = x[i, :]", sentence: "A row, a column or one number of a value.",
        source: "a part of a larger op, shown on its own")
    package static let samples = [
        OpSample(Cell(prefix: [1]), .normal(Shape((.token, 3), (.feature, 4)))),
        OpSample(Cell(prefix: [], suffix: [2]), .normal(Shape((.token, 3), (.feature, 4)))),
        OpSample(Cell(prefix: [1, 2]), .normal(Shape((.token, 3), (.feature, 4)))),
    ]
    package var parameters: [(name: String, value: String)] {
        [("index", (prefix.map(String.init) + [":"] + suffix.map(String.init)).joined(separator: ","))]
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == 1, prefix.count + suffix.count <= inputs[0].rank else { throw ShapeError("takes one input with enough axes") }
        let axes = inputs[0].axes
        let fixed = zip(prefix, axes).map { ($0, $1.count) } + zip(suffix, axes.suffix(suffix.count)).map { ($0, $1.count) }
        for (index, count) in fixed where index < 0 || index >= count { throw ShapeError("index \(index) lies outside 0..<\(count)") }
        let rest = Array(axes.dropFirst(prefix.count).dropLast(suffix.count))
        return rest.isEmpty ? Shape((.item, 1)) : Shape(rest)
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let x = inputs[0]
        let rest = Shape(Array(x.shape.axes.dropFirst(prefix.count).dropLast(suffix.count)))
        let shape = rest.rank == 0 ? Shape((.item, 1)) : rest
        return Dense(shape) { x.values[x.shape.position(of: prefix + rest.index(at: $0) + suffix) ?? 0] }
    }

    /// Reads only what it shows: the input may be a matrix of gigabytes.
    package var kernels: [Kernel] {
        [
            Kernel("strided", .strided) { [prefix, suffix] inputs, shape, _ in
                let free = inputs[0].shape.rank - prefix.count - suffix.count
                return try Tensor(shape) { out in
                    for position in out.indices {
                        let index = prefix + (free == 0 ? [] : shape.index(at: position)) + suffix
                        out[position] = Float(inputs[0].value(at: index) ?? .nan)
                    }
                }
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let free = inputs[0].shape.rank - prefix.count - suffix.count
        let place = prefix + (free == 0 ? [] : index) + suffix
        return [Contribution(input: 0, index: place, value: inputs[0].value(at: place) ?? .nan, weight: 1)]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [], formula: "dx[i, :] = dy, 0 elsewhere", derivation: ["y = x[i, :]", "every number goes back to its place"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let free = shape.rank - prefix.count - suffix.count
        var result = Dense<R>(shape) { _ in 0 }
        for (position, number) in values[0].values.enumerated() {
            let index = prefix + (free == 0 ? [] : values[0].shape.index(at: position)) + suffix
            if let place = shape.position(of: index) { result.values[place] = number }
        }
        return result
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard index.starts(with: prefix), index.suffix(suffix.count).elementsEqual(suffix) else { return [] }
        let free = Array(index.dropFirst(prefix.count).dropLast(suffix.count))
        let place = free.isEmpty ? [0] : free
        return [Contribution(input: 0, index: place, value: values[0].value(at: place) ?? .nan, weight: 1)]
    }
}
