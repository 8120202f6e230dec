import Tensors

/// The partial sums of a dot product, in the order and with the fused multiply-adds of the product itself: a [n], b [n] → [n].
/// The last one is the dot product's own value, bit for bit.
package struct RunningSum: Op {
    package init() {}

    package static let card = OpCard(
        name: "running sum", formula: "y[i] = fma(a[i], b[i], y[i−1])", sentence: "How the dot product grew, term by term.",
        source: "IEEE 754-2019, fusedMultiplyAdd")
    package static let samples = [OpSample(RunningSum(), .normal(Shape((.feature, 9))), .normal(Shape((.feature, 9))))]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 1, 1)
        try Shapes.expectEqual(inputs[0][0], inputs[1][0], "terms of the two rows")
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        var sum: R = 0
        return Dense(
            inputs[0].shape,
            zip(inputs[0].values, inputs[1].values).map { a, b in
                sum = sum.addingProduct(a, b)
                return sum
            })
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        (0...(index.first ?? 0)).map {
            Contribution(input: 0, index: [$0], value: inputs[0].value(at: [$0]) ?? .nan, weight: inputs[1].value(at: [$0]) ?? .nan)
        }
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(1)], formula: "da[i] = b[i]·Σ dy[n], n ≥ i",
                derivation: ["y[n] = Σ a[i]·b[i] over i ≤ n", "∂y[n]/∂a[i] = b[i] for n ≥ i"]),
            Derivative(
                1, reads: [.input(0)], formula: "db[i] = a[i]·Σ dy[n], n ≥ i",
                derivation: ["y[n] = Σ a[i]·b[i] over i ≤ n", "∂y[n]/∂b[i] = a[i] for n ≥ i"]),
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        var rest: R = 0
        let tails = values[1].values.reversed().map { dy in
            rest += dy
            return rest
        }
        return Dense(shape, zip(values[0].values, tails.reversed()).map { $0 * $1 })
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let other = values[0].value(at: index) ?? .nan
        return ((index.first ?? 0)..<values[1].elementCount).map {
            Contribution(input: 1, index: [$0], value: values[1].value(at: [$0]) ?? .nan, weight: other)
        }
    }
}
