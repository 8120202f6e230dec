import RealModule
import Tensors

/// q [head, T, D], k [kv head, S, D] → [head, T, S]: dot products, scaled, soft-capped if `softcap` > 0, and −∞ where the mask hides
/// the key. Groups of query heads share a key head.
package struct AttentionScores: Op {
    package let scale: Double
    package let softcap: Double
    package let mask: AttentionMask

    package init(scale: Double, softcap: Double = 0, mask: AttentionMask) {
        self.scale = scale
        self.softcap = softcap
        self.mask = mask
    }

    package static let card = OpCard(
        name: "attention scores", formula: "s[h,i,j] = scale · Σ_d q[h,i,d]·k[h,j,d],  −∞ if j is hidden from i",
        sentence: "How well each query fits each key it may see.",
        source: "Vaswani et al. 2017, arXiv:1706.03762, eq. 1; groups: Ainslie et al. 2023")
    package static let samples = [
        OpSample(
            AttentionScores(scale: 0.5, mask: AttentionMask()), .normal(Shape((.head, 4), (.token, 5), (.feature, 8))),
            .normal(Shape((.head, 2), (.token, 5), (.feature, 8)))),
        OpSample(
            AttentionScores(scale: 0.3, softcap: 2, mask: AttentionMask(window: 4)),
            .normal(Shape((.head, 2), (.token, 4), (.feature, 6))),
            .normal(Shape((.head, 2), (.token, 7), (.feature, 6)))),
    ]
    package var parameters: [(name: String, value: String)] {
        [("scale", "\(scale)"), ("soft cap", softcap > 0 ? "\(softcap)" : "none"), ("window", mask.window > 0 ? "\(mask.window)" : "none")]
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 3, 3)
        try Shapes.expectEqual(inputs[0][2], inputs[1][2], "head_dim of q and k")
        if inputs[1][0] == 0 || inputs[0][0] % inputs[1][0] != 0 {
            throw ShapeError("\(inputs[0][0]) heads cannot share \(inputs[1][0]) key heads")
        }
        return Shape([inputs[0].axes[0], Axis(.query, inputs[0][1]), Axis(.key, inputs[1][1])])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (q, k) = (inputs[0], inputs[1])
        let (heads, queries, keys, width) = (q.shape[0], q.shape[1], k.shape[1], q.shape[2])
        let group = heads / k.shape[0]
        let mask = mask.pass(queries: queries, keys: keys)
        return Dense(Shape((.head, heads), (.query, queries), (.key, keys))) { position in
            let (h, i, j) = (position / (queries * keys), position / keys % queries, position % keys)
            guard mask.range(query: i, keys: keys).contains(j) else { return -.infinity }
            var sum: R = 0
            for d in 0..<width {
                sum = sum.addingProduct(q.values[(h * queries + i) * width + d], k.values[(h / group * keys + j) * width + d])
            }
            let score = sum * R(Float(scale))
            return softcap > 0 ? R(softcap) * R.tanh(score / R(softcap)) : score
        }
    }

    /// Whether the query of an element sees its key.
    private func sees(_ index: [Int], q: Shape, k: Shape) -> Bool {
        mask.pass(queries: q[1], keys: k[1]).range(query: index[1], keys: k[1]).contains(index[2])
    }

    package var kernels: [Kernel] {
        [
            Kernel("blocked") { [self] inputs, shape, threads in
                try Kernels.attentionScores(
                    inputs[0], inputs[1], scale: Float(scale), softcap: Float(softcap), mask: mask, shape: shape, threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard sees(index, q: inputs[0].shape, k: inputs[1].shape) else { return [] }
        let group = inputs[0].shape[0] / inputs[1].shape[0]
        return (0..<inputs[0].shape[2]).map { d in
            Contribution(
                input: 0, index: [index[0], index[1], d], value: inputs[0].value(at: [index[0], index[1], d]) ?? .nan,
                weight: (inputs[1].value(at: [index[0] / group, index[2], d]) ?? .nan) * scale)
        }
    }

    /// One cell: q of the query, k of the key, products, running sum, times the scale (and the cap).
    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        guard index.count == 3, sees(index, q: inputs[0].shape, k: inputs[1].shape) else { return nil }
        let group = inputs[0].shape[0] / max(inputs[1].shape[0], 1)
        let q = graph.apply(Cell(prefix: [index[0], index[1]]), [inputs[0]], as: "q")
        let k = graph.apply(Cell(prefix: [index[0] / group, index[2]]), [inputs[1]], as: "k")
        graph.apply(Zip(.multiply), [q, k], as: "products")
        let sums = graph.apply(RunningSum(), [q, k], as: "running sum")
        let dot = graph.apply(Cell(prefix: [q.shape.elementCount - 1]), [sums], as: "q·k")
        let scaled = graph.apply(Map(.times(Double(Float(scale)))), [dot], as: "scale·q·k")
        return softcap > 0 ? graph.apply(Map(.softcap(softcap)), [scaled], as: "cap·tanh(s/cap)") : scaled
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount * inputs[0].rowLength }
}
