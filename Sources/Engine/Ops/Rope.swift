import Tensors

/// Rotates pairs of dimensions by the angle of the token's position. x [head, token, D], cos and sin [token, rotary/2] → [head, token, D].
/// A pair is (i, i + rotary/2), or two neighbours where `interleaved`; dimensions from `rotary` on are copied.
package struct Rope: Op {
    package let interleaved: Bool

    package init(interleaved: Bool = false) { self.interleaved = interleaved }

    package static let card = OpCard(
        name: "RoPE", formula: "x′ᵢ = xᵢ·cos mθᵢ − xⱼ·sin mθᵢ,  x′ⱼ = xⱼ·cos mθᵢ + xᵢ·sin mθᵢ",
        sentence: "Turns each pair by an angle that grows with the position, so q·k depends on the distance alone.",
        source: "Su et al. 2021, arXiv:2104.09864, eq. 34; halves as in GPT-NeoX")
    package static let samples = [
        OpSample(
            Rope(), .normal(Shape((.head, 2), (.token, 5), (.feature, 8))), .normal(Shape((.token, 5), (.pair, 4))),
            .normal(Shape((.token, 5), (.pair, 4)))),
        OpSample(
            Rope(interleaved: true), .normal(Shape((.head, 2), (.token, 5), (.feature, 10))), .normal(Shape((.token, 5), (.pair, 4))),
            .normal(Shape((.token, 5), (.pair, 4)))),
    ]
    package var parameters: [(name: String, value: String)] { [("pairs", interleaved ? "neighbours" : "halves")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 3, 2, 2)
        try Shapes.expectSame([inputs[1], inputs[2]])
        try Shapes.expectEqual(inputs[0][1], inputs[1][0], "tokens of x and of the table")
        if 2 * inputs[1][1] > inputs[0][2] { throw ShapeError("\(inputs[1][1]) pairs do not fit head_dim \(inputs[0][2])") }
        return inputs[0]
    }

    /// The other dimension of the pair, the pair's number and the sign of the sine term; nil beyond the rotary dimensions.
    func partner(_ d: Int, pairs: Int) -> (other: Int, pair: Int, sign: Int)? {
        guard d < 2 * pairs else { return nil }
        if interleaved { return d % 2 == 0 ? (d + 1, d / 2, -1) : (d - 1, d / 2, 1) }
        return d < pairs ? (d + pairs, d, -1) : (d - pairs, d - pairs, 1)
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded are both products.
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let (x, cos, sin) = (inputs[0], inputs[1], inputs[2])
        let pairs = cos.shape[1]
        return x.mapRows { row, values in
            let t = row % x.shape[1]
            return values.indices.map { at in
                guard let (other, pair, sign) = partner(at - values.startIndex, pairs: pairs) else { return values[at] }
                let turned = values[values.startIndex + other] * sin.values[t * pairs + pair]
                return rounding(values[at] * cos.values[t * pairs + pair]) + R(sign) * rounding(turned)
            }
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", Rope.simd, roundsOutput: true) { [interleaved] inputs, _, arithmetic in
                try Kernels.rope(
                    inputs[0], cos: inputs[1].contiguous(), sin: inputs[2].contiguous(), interleaved: interleaved,
                    rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let own = inputs[0].value(at: index) ?? .nan
        guard let (other, pair, sign) = partner(index[2], pairs: inputs[1].shape[1]) else {
            return [Contribution(input: 0, index: index, value: own, weight: 1)]
        }
        let place = [index[0], index[1], other]
        return [
            Contribution(input: 0, index: index, value: own, weight: inputs[1].value(at: [index[1], pair]) ?? .nan),
            Contribution(
                input: 0, index: place, value: inputs[0].value(at: place) ?? .nan,
                weight: Double(sign) * (inputs[2].value(at: [index[1], pair]) ?? .nan)),
        ]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(1), .input(2)], formula: "dX = rotation of dY by −θ",
                derivation: [
                    "(y₁, y₂) = (x₁·cos − x₂·sin, x₂·cos + x₁·sin)", "y = R·x with R = [[cos, −sin], [sin, cos]]",
                    "dx = Rᵀ·dy: the sine changes sign",
                ]),
            Derivative(
                1, reads: [.input(0)], formula: "dcos = Σₕ (dy₁·x₁ + dy₂·x₂)",
                derivation: ["∂y₁/∂cos = x₁, ∂y₂/∂cos = x₂", "dcos[t,i] = Σₕ (dy₁·x₁ + dy₂·x₂)"]),
            Derivative(
                2, reads: [.input(0)], formula: "dsin = Σₕ (dy₂·x₁ − dy₁·x₂)",
                derivation: ["∂y₁/∂sin = −x₂, ∂y₂/∂sin = x₁", "dsin[t,i] = Σₕ (dy₂·x₁ − dy₁·x₂)"]),
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// Rounded are both products.
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        let dy = values[values.count - 1]
        guard input == 0 else { return tableGradient(input, values[0], dy, shape) }
        let (cos, sin) = (values[0], values[1])
        let pairs = cos.shape[1]
        return dy.mapRows { row, values in
            let t = row % dy.shape[1]
            return values.indices.map { at in
                guard let (other, pair, sign) = partner(at - values.startIndex, pairs: pairs) else { return values[at] }
                let turned = values[values.startIndex + other] * sin.values[t * pairs + pair]
                return rounding(values[at] * cos.values[t * pairs + pair]) - R(sign) * rounding(turned)
            }
        }
    }

    /// The gradient of cos (input 1) or sin (input 2).
    private func tableGradient<R: Scalar>(_ input: Int, _ x: Dense<R>, _ dy: Dense<R>, _ shape: Shape) -> Dense<R> {
        let (pairs, tokens, width) = (shape[1], shape[0], x.shape[2])
        return Dense(shape) { position in
            let (t, pair) = (position / pairs, position % pairs)
            let (a, b) = interleaved ? (2 * pair, 2 * pair + 1) : (pair, pair + pairs)
            return (0..<x.shape[0]).reduce(0) { sum, h in
                let row = (h * tokens + t) * width
                let (x1, x2, d1, d2) = (x.values[row + a], x.values[row + b], dy.values[row + a], dy.values[row + b])
                return sum + (input == 1 ? d1 * x1 + d2 * x2 : d2 * x1 - d1 * x2)
            }
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        guard input == 0 else { return [] }
        return [
            Kernel(rounding: "simd") { [interleaved] values, _, arithmetic in
                try Kernels.ropeGradient(
                    values[2], cos: values[0].contiguous(), sin: values[1].contiguous(), interleaved: interleaved,
                    rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard input == 0 else { return tableContributions(input, at: index, x: values[0], dy: values[1], pairs: gradient.shape[1]) }
        let own = values[2].value(at: index) ?? .nan
        guard let (other, pair, sign) = partner(index[2], pairs: values[0].shape[1]) else {
            return [Contribution(input: 2, index: index, value: own, weight: 1)]
        }
        let place = [index[0], index[1], other]
        return [
            Contribution(input: 2, index: index, value: own, weight: values[0].value(at: [index[1], pair]) ?? .nan),
            Contribution(
                input: 2, index: place, value: values[2].value(at: place) ?? .nan,
                weight: -Double(sign) * (values[1].value(at: [index[1], pair]) ?? .nan)),
        ]
    }

    private func tableContributions(_ input: Int, at index: [Int], x: Tensor, dy: Tensor, pairs: Int) -> [Contribution] {
        let (t, pair) = (index[0], index[1])
        let (a, b) = interleaved ? (2 * pair, 2 * pair + 1) : (pair, pair + pairs)
        return (0..<x.shape[0]).flatMap { h in
            let (x1, x2) = (x.value(at: [h, t, a]) ?? .nan, x.value(at: [h, t, b]) ?? .nan)
            let weights = input == 1 ? (x1, x2) : (-x2, x1)
            return [(a, weights.0), (b, weights.1)].map { d, weight in
                Contribution(input: 1, index: [h, t, d], value: dy.value(at: [h, t, d]) ?? .nan, weight: weight)
            }
        }
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        turned(&graph, x: inputs[0], cos: inputs[1], sin: inputs[2], at: index, backward: false)
    }

    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        input == 0 ? turned(&graph, x: values[2], cos: values[0], sin: values[1], at: index, backward: true) : nil
    }

    /// One cell: its own number times cos and its partner's times sin, added or taken away. Nil for a dimension that is copied.
    private func turned(_ graph: inout Graph, x: Node, cos: Node, sin: Node, at index: [Int], backward: Bool) -> Node? {
        guard index.count == 3, let (other, pair, sign) = partner(index[2], pairs: cos.shape[1]) else { return nil }
        let name = backward ? "dy" : "x"
        let own = graph.apply(Cell(prefix: index), [x], as: "\(name)[\(index[2])]")
        let partner = graph.apply(Cell(prefix: [index[0], index[1], other]), [x], as: "\(name)[\(other)]")
        let c = graph.apply(Cell(prefix: [index[1], pair]), [cos], as: "cos mθ")
        let s = graph.apply(Cell(prefix: [index[1], pair]), [sin], as: "sin mθ")
        let first = graph.apply(Zip(.multiply), [own, c], as: "\(name)[\(index[2])]·cos mθ")
        let second = graph.apply(Zip(.multiply), [partner, s], as: "\(name)[\(other)]·sin mθ")
        let adds = (sign > 0) != backward
        return graph.apply(Zip(adds ? .add : .subtract), [first, second], as: adds ? "sum" : "difference")
    }
}
