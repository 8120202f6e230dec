import Tensors

/// [token, features] seen as [head, token, head_dim]: the features from `offset` on, cut into heads. A view; no number moves.
package struct HeadView: Op {
    package let heads: Int
    package let headDimension: Int
    package let offset: Int

    package init(heads: Int, headDimension: Int, offset: Int = 0) {
        self.heads = heads
        self.headDimension = headDimension
        self.offset = offset
    }

    package static let card = OpCard(
        name: "split heads", formula: "y[h,t,d] = x[t, h·D + d]",
        sentence: "The same numbers under other axes: every head gets its slice of the features.",
        source: "Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2")
    package static let samples = [
        OpSample(HeadView(heads: 2, headDimension: 3), .normal(Shape((.token, 4), (.feature, 6)))),
        OpSample(HeadView(heads: 2, headDimension: 3, offset: 6), .normal(Shape((.token, 4), (.feature, 18)))),
    ]
    package var parameters: [(name: String, value: String)] {
        [("heads", "\(heads)"), ("head_dim", "\(headDimension)"), ("from feature", "\(offset)")]
    }
    package var isView: Bool { true }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 2)
        if offset + heads * headDimension > inputs[0][1] {
            throw ShapeError("\(heads) heads of \(headDimension) from feature \(offset) do not fit \(inputs[0][1]) features")
        }
        return Shape([Axis(.head, heads), inputs[0].axes[0], Axis(.feature, headDimension)])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (tokens, width) = (inputs[0].shape[0], inputs[0].shape[1])
        return Dense(Shape([Axis(.head, heads), inputs[0].shape.axes[0], Axis(.feature, headDimension)])) { position in
            let (h, t, d) = (position / (tokens * headDimension), position / headDimension % tokens, position % headDimension)
            return inputs[0].values[t * width + offset + h * headDimension + d]
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel("view", .view) { [self] inputs, shape, _ in
                inputs[0].view(shape, strides: [headDimension, inputs[0].stride(0), 1], offset: offset)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let source = [index[1], offset + index[0] * headDimension + index[2]]
        return [Contribution(input: 0, index: source, value: inputs[0].value(at: source) ?? .nan, weight: 1)]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [], formula: "dX[t, h·D + d] = dY[h,t,d]",
                derivation: ["y[h,t,d] = x[t, h·D + d]", "every number goes back to its place"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let (tokens, width) = (shape[0], shape[1])
        return Dense(shape) { position in
            let (t, place) = (position / width, position % width - offset)
            guard place >= 0, place < heads * headDimension else { return 0 }
            return values[0].values[(place / headDimension * tokens + t) * headDimension + place % headDimension]
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel("simd") { [offset] values, shape, threads in
                try Kernels.joinHeads(values[0], offset: offset, shape: shape, threads: threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let place = index[1] - offset
        guard place >= 0, place < heads * headDimension else { return [] }
        let source = [place / headDimension, index[0], place % headDimension]
        return [Contribution(input: 0, index: source, value: values[0].value(at: source) ?? .nan, weight: 1)]
    }
}
