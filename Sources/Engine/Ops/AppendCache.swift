import Tensors

/// The KV cache grows by the new tokens: past [kv head, P, D], new [kv head, T, D] → [kv head, P + T, D].
package struct AppendCache: Op {
    package init() {}

    package static let card = OpCard(
        name: "append to cache", formula: "cache = [past, new]",
        sentence: "Keys and values of earlier tokens are kept, so that a new token costs one row.",
        source: "Shazeer 2019, arXiv:1911.02150, section 2.3")
    package static let samples = [
        OpSample(
            AppendCache(), .normal(Shape((.head, 2), (.token, 3), (.feature, 4))), .normal(Shape((.head, 2), (.token, 2), (.feature, 4))))
    ]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 3, 3)
        try Shapes.expectEqual(inputs[0][0], inputs[1][0], "heads of the cache and of the new tokens")
        try Shapes.expectEqual(inputs[0][2], inputs[1][2], "head_dim of the cache and of the new tokens")
        return Shape([inputs[1].axes[0], Axis(.token, inputs[0][1] + inputs[1][1]), inputs[1].axes[2]])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (past, new) = (inputs[0].shape[1], inputs[1].shape[1])
        let width = inputs[1].shape[2]
        return Dense(Shape((.head, inputs[1].shape[0]), (.token, past + new), (.feature, width))) { position in
            let (h, t, d) = (position / ((past + new) * width), position / width % (past + new), position % width)
            return t < past ? inputs[0].values[(h * past + t) * width + d] : inputs[1].values[(h * new + t - past) * width + d]
        }
    }

    package var kernels: [Kernel] {
        [Kernel("in-place", AppendCache.inPlace) { inputs, shape, _ in try CacheStorage.append(inputs[0], inputs[1], shape: shape) }]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let past = inputs[0].shape[1]
        let (input, place) = index[1] < past ? (0, index) : (1, [index[0], index[1] - past, index[2]])
        return [Contribution(input: input, index: place, value: inputs[input].value(at: place) ?? .nan, weight: 1)]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(0, reads: [], formula: "dpast = dcache[:P]", derivation: ["the first P rows are the past's own"]),
            Derivative(1, reads: [], formula: "dnew = dcache[P:]", derivation: ["the last T rows are the new tokens' own"]),
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let (all, tokens, width) = (values[0].shape[1], shape[1], shape[2])
        let first = input == 0 ? 0 : all - tokens
        return Dense(shape) { position in
            let (h, t, d) = (position / (tokens * width), position / width % tokens, position % width)
            return values[0].values[(h * all + first + t) * width + d]
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let place = [index[0], index[1] + (input == 0 ? 0 : values[0].shape[1] - gradient.shape[1]), index[2]]
        return [Contribution(input: 0, index: place, value: values[0].value(at: place) ?? .nan, weight: 1)]
    }
}
