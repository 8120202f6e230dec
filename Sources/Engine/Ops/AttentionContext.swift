import Tensors

/// probs [head, T, S] · v [kv head, S, D] → [T, head·D], heads side by side as the output projection wants them.
package struct AttentionContext: Op {
    package let mask: AttentionMask

    package init(mask: AttentionMask) { self.mask = mask }

    package static let card = OpCard(
        name: "attention context", formula: "c[i, h·D + d] = Σⱼ p[h,i,j] · v[h,j,d]",
        sentence: "Each query takes the average of the values, weighted by its probabilities.",
        source: "Vaswani et al. 2017, arXiv:1706.03762, eq. 1")
    package static let samples = [
        OpSample(
            AttentionContext(mask: AttentionMask(causal: false)), .probabilities(Shape((.head, 4), (.query, 5), (.key, 6))),
            .normal(Shape((.head, 2), (.token, 6), (.feature, 8))))
    ]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 3, 3)
        try Shapes.expectEqual(inputs[0][2], inputs[1][1], "keys of probs and of v")
        if inputs[1][0] == 0 || inputs[0][0] % inputs[1][0] != 0 {
            throw ShapeError("\(inputs[0][0]) heads cannot share \(inputs[1][0]) value heads")
        }
        return Shape((.token, inputs[0][1]), (.feature, inputs[0][0] * inputs[1][2]))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (p, v) = (inputs[0], inputs[1])
        let (heads, queries, keys, width) = (p.shape[0], p.shape[1], p.shape[2], v.shape[2])
        let group = heads / v.shape[0]
        let mask = mask.pass(queries: queries, keys: keys)
        return Dense(Shape((.token, queries), (.feature, heads * width))) { position in
            let (i, h, d) = (position / (heads * width), position / width % heads, position % width)
            var sum: R = 0
            for j in mask.range(query: i, keys: keys) {
                sum = sum.addingProduct(p.values[(h * queries + i) * keys + j], v.values[(h / group * keys + j) * width + d])
            }
            return sum
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel("blocked") { [mask] inputs, shape, threads in
                try Kernels.attentionContext(inputs[0].contiguous(), inputs[1], mask: mask, shape: shape, threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let width = inputs[1].shape[2]
        let (h, d) = (index[1] / width, index[1] % width)
        let group = inputs[0].shape[0] / inputs[1].shape[0]
        let mask = mask.pass(queries: inputs[0].shape[1], keys: inputs[0].shape[2])
        return mask.range(query: index[0], keys: inputs[0].shape[2]).map { j in
            Contribution(
                input: 1, index: [h / group, j, d], value: inputs[1].value(at: [h / group, j, d]) ?? .nan,
                weight: inputs[0].value(at: [h, index[0], j]) ?? .nan)
        }
    }

    /// One cell: the query's probabilities, the values of that dimension, products, running sum.
    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        guard index.count == 2 else { return nil }
        let width = inputs[1].shape[2]
        let (h, d) = (index[1] / max(width, 1), index[1] % max(width, 1))
        let group = inputs[0].shape[0] / max(inputs[1].shape[0], 1)
        let p = graph.apply(Cell(prefix: [h, index[0]]), [inputs[0]], as: "p")
        let v = graph.apply(Cell(prefix: [h / group], suffix: [d]), [inputs[1]], as: "v")
        graph.apply(Zip(.multiply), [p, v], as: "products")
        let sums = graph.apply(RunningSum(), [p, v], as: "running sum")
        return graph.apply(Cell(prefix: [p.shape.elementCount - 1]), [sums], as: "sum")
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount * inputs[0].rowLength }
}
