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
    private func partner(_ d: Int, pairs: Int) -> (other: Int, pair: Int, sign: Int)? {
        guard d < 2 * pairs else { return nil }
        if interleaved { return d % 2 == 0 ? (d + 1, d / 2, -1) : (d - 1, d / 2, 1) }
        return d < pairs ? (d + pairs, d, -1) : (d - pairs, d - pairs, 1)
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (x, cos, sin) = (inputs[0], inputs[1], inputs[2])
        let pairs = cos.shape[1]
        return x.mapRows { row, values in
            let t = row % x.shape[1]
            return values.indices.map { at in
                guard let (other, pair, sign) = partner(at - values.startIndex, pairs: pairs) else { return values[at] }
                let turned = values[values.startIndex + other] * sin.values[t * pairs + pair]
                return values[at] * cos.values[t * pairs + pair] + R(sign) * turned
            }
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd") { [interleaved] inputs, _, threads in
                try Kernels.rope(
                    inputs[0], cos: inputs[1].contiguous(), sin: inputs[2].contiguous(), interleaved: interleaved, threads: threads)
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
}
