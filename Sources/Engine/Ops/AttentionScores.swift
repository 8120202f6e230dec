import RealModule
import Tensors

/// q [head, T, D], k [kv head, S, D] → [head, T, S]: dot products, scaled, soft-capped if `softcap` > 0, and −∞ where the mask hides
/// the key (in every format, since it is no number to be rounded); −`softcap` there if the cap comes after the mask. Groups of query heads share a key head. A packed mask takes the first visible key of each query [T] as a third input.
package struct AttentionScores: Op {
    package let scale: Double
    package let softcap: Double
    package let mask: AttentionMask
    /// What is hidden is capped as well, and so no longer hidden.
    package let capsHidden: Bool

    package init(scale: Double, softcap: Double = 0, mask: AttentionMask, capsHidden: Bool = false) {
        self.scale = scale
        self.softcap = softcap
        self.mask = mask
        self.capsHidden = capsHidden && softcap > 0
    }

    /// The score of a key that the mask hides.
    private var hidden: Double { capsHidden ? -softcap : -.infinity }

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
        OpSample(
            AttentionScores(scale: 0.3, softcap: 2, mask: AttentionMask(window: 3), capsHidden: true),
            .normal(Shape((.head, 2), (.token, 5), (.feature, 6))), .normal(Shape((.head, 2), (.token, 5), (.feature, 6)))),
        OpSample(
            AttentionScores(scale: 0.5, mask: AttentionMask(packed: true)), .normal(Shape((.head, 2), (.token, 5), (.feature, 6))),
            .normal(Shape((.head, 1), (.token, 5), (.feature, 6))), .integers([0, 0, 2, 2, 4])),
    ]
    package var parameters: [(name: String, value: String)] {
        [
            ("scale", "\(scale)"), ("soft cap", softcap > 0 ? "\(softcap)\(capsHidden ? ", after the mask" : "")" : "none"),
            ("window", mask.window > 0 ? "\(mask.window)" : "none"),
        ]
    }

    package var isProduct: Bool { true }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try mask.packed ? Shapes.expect(inputs, ranks: 3, 3, 1) : Shapes.expect(inputs, ranks: 3, 3)
        if mask.packed { try Shapes.expectEqual(inputs[2][0], inputs[0][1], "first keys and queries") }
        try Shapes.expectEqual(inputs[0][2], inputs[1][2], "head_dim of q and k")
        if inputs[1][0] == 0 || inputs[0][0] % inputs[1][0] != 0 {
            throw ShapeError("\(inputs[0][0]) heads cannot share \(inputs[1][0]) key heads")
        }
        return Shape([inputs[0].axes[0], Axis(.query, inputs[0][1]), Axis(.key, inputs[1][1])])
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    /// Rounded are q·k, the scaled score, and of a cap the quotient and the tangent.
    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let (q, k) = (inputs[0], inputs[1])
        let (heads, queries, keys, width) = (q.shape[0], q.shape[1], k.shape[1], q.shape[2])
        let group = heads / k.shape[0]
        let mask = mask.pass(queries: queries, keys: keys, first: inputs.last?.keys)
        return Dense(Shape((.head, heads), (.query, queries), (.key, keys))) { position in
            let (h, i, j) = (position / (queries * keys), position / keys % queries, position % keys)
            guard mask.range(query: i, keys: keys).contains(j) else { return R(hidden) }
            var sum: R = 0
            for d in 0..<width {
                let product = (q.values[(h * queries + i) * width + d], k.values[(h / group * keys + j) * width + d])
                sum = rounding.partial(sum.addingProduct(product.0, product.1))
            }
            let score = rounding(sum) * R(Float(scale))
            return softcap > 0 ? R(softcap) * rounding(R.tanh(rounding(rounding(score) / R(softcap)))) : score
        }
    }

    /// Whether the query of an element sees its key.
    private func sees(_ index: [Int], q: Shape, k: Shape, first: [Int32]?) -> Bool {
        mask.pass(queries: q[1], keys: k[1], first: first).range(query: index[1], keys: k[1]).contains(index[2])
    }

    package var kernels: [Kernel] {
        [
            fast("blocked", AttentionScores.blocked, .chain),
            fast("bf16tile", AttentionScores.bf16tile, .bf16Tiles),
        ]
    }

    /// The scores with the cap's own number where a key is hidden.
    private func capped(_ scores: Tensor, _ mask: AttentionMask) throws -> Tensor {
        let (queries, keys) = (scores.shape[1], scores.shape[2])
        let pass = mask.pass(queries: queries, keys: keys)
        var numbers = scores.floats()
        for row in 0..<scores.shape.rowCount {
            let seen = pass.range(query: row % queries, keys: keys)
            for key in 0..<keys where !seen.contains(key) { numbers[row * keys + key] = Float(hidden) }
        }
        return try Tensor(scores.shape, numbers)
    }

    private func fast(_ name: String, _ card: KernelCard, _ sums: Kernels.AttentionSums) -> Kernel {
        var kernel = Kernel(rounding: name, card, roundsOutput: !capsHidden) { [self] inputs, shape, arithmetic in
            let mask = mask.with(first: inputs[inputs.count - 1])
            let scores = try Kernels.attentionScores(
                inputs[0], inputs[1], scale: Float(scale), softcap: Float(softcap), mask: mask, sums: sums,
                rounding: arithmetic.rounding.format, partsOnly: !arithmetic.roundsOutput, shape: shape, threads: arithmetic.threads)
            return capsHidden ? try capped(scores, mask) : scores
        }
        if sums == .bf16Tiles { kernel.inputs = .bf16 }
        return kernel
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard sees(index, q: inputs[0].shape, k: inputs[1].shape, first: inputs.last?.keys) else { return [] }
        let group = inputs[0].shape[0] / inputs[1].shape[0]
        return (0..<inputs[0].shape[2]).map { d in
            Contribution(
                input: 0, index: [index[0], index[1], d], value: inputs[0].value(at: [index[0], index[1], d]) ?? .nan,
                weight: (inputs[1].value(at: [index[0] / group, index[2], d]) ?? .nan) * scale)
        }
    }

    /// One cell: q of the query, k of the key, products, running sum, times the scale (and the cap).
    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        // What a packed mask hides is known to the values only, not to the nodes.
        guard index.count == 3, !mask.packed, sees(index, q: inputs[0].shape, k: inputs[1].shape, first: nil) else { return nil }
        let group = inputs[0].shape[0] / max(inputs[1].shape[0], 1)
        let q = graph.apply(Cell(prefix: [index[0], index[1]]), [inputs[0]], as: "q")
        let k = graph.apply(Cell(prefix: [index[0] / group, index[2]]), [inputs[1]], as: "k")
        let dot = graph.dotProduct(q, k, as: "q·k")
        let scaled = graph.apply(Map(.times(Double(Float(scale)))), [dot], as: "scale·q·k")
        return softcap > 0 ? graph.apply(Map(.softcap(softcap)), [scaled], as: "cap·tanh(s/cap)") : scaled
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount * inputs[0].rowLength }

    package var derivatives: [Derivative] {
        let capped: [Derivative.Read] = (softcap > 0 ? [.unrounded] : []) + (mask.packed ? [.input(2)] : [])
        let capLine = softcap > 0 ? ["∂(c·tanh(x/c))/∂x = 1 − (s/c)²,  so dS ← dS·(1 − (s/c)²)"] : []
        return [
            Derivative(
                0, reads: [.input(1)] + capped, formula: "dQ = scale · dS · K",
                derivation: ["s[i,j] = scale·Σ_d q[i,d]·k[j,d]"] + capLine + [
                    "∂s[i,j]/∂q[i,d] = scale·k[j,d]; hidden keys: 0", "dq[i,d] = scale·Σⱼ ds[i,j]·k[j,d]",
                ]),
            Derivative(
                1, reads: [.input(0)] + capped, formula: "dK = scale · dSᵀ · Q",
                derivation: ["s[i,j] = scale·Σ_d q[i,d]·k[j,d]"] + capLine + [
                    "∂s[i,j]/∂k[j,d] = scale·q[i,d]; hidden keys: 0",
                    "dk[j,d] = scale·Σᵢ ds[i,j]·q[i,d], over all heads that share the key",
                ]),
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// Rounded are dS behind the cap, dS times the scale, and of heads that share a key what each sends to it.
    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        let (other, ds) = (values[0], slopes(values, rounding))
        let (heads, queries, keys, width) = (ds.shape[0], ds.shape[1], ds.shape[2], shape[2])
        let group = heads / (input == 0 ? other.shape[0] : shape[0])
        let mask = mask.pass(queries: queries, keys: keys, first: values[values.count - 2].keys)
        return Dense(shape) { position in
            let (h, at, d) = (position / (shape[1] * width), position / width % shape[1], position % width)
            var sum: R = 0
            if input == 0 {
                for j in mask.range(query: at, keys: keys) {
                    sum = sum.addingProduct(ds.values[(h * queries + at) * keys + j], other.values[(h / group * keys + j) * width + d])
                }
            } else {
                for head in h * group..<(h + 1) * group {
                    var own: R = rounding.format == nil ? sum : 0
                    for i in 0..<queries where mask.range(query: i, keys: keys).contains(at) {
                        own = own.addingProduct(ds.values[(head * queries + i) * keys + at], other.values[(head * queries + i) * width + d])
                    }
                    sum = rounding.format == nil ? own : sum + rounding(own)
                }
            }
            return rounding.format == nil ? sum * R(Float(scale)) : sum
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel(rounding: "blocked") { [self] values, shape, arithmetic in
                let (ds, rest) = try slopes(values, arithmetic)
                let (mask, threads) = (mask.with(first: values[values.count - 2]), arithmetic.threads)
                if input == 0 {
                    return try Kernels.queriesGradient(ds, k: values[0], scale: rest, mask: mask, shape: shape, threads: threads)
                }
                return try Kernels.overGroups(heads: ds.shape[0], shape: shape, rounding: arithmetic.rounding.format, threads: threads) {
                    try Kernels.keysGradient(ds, q: values[0], scale: rest, mask: mask, shape: $0, threads: threads)
                }
            }
        ]
    }

    /// What the products read, and the scale that is left for them: none where dS times it is rounded first.
    private func slopes(_ values: [Tensor], _ arithmetic: Arithmetic) throws -> (Tensor, scale: Float) {
        let (dy, format, threads) = (values[values.count - 1], arithmetic.rounding.format, arithmetic.threads)
        var ds = dy
        if softcap > 0 {
            ds = try Kernels.softcapGradient(dy, scores: values[1], cap: Float(softcap), rounding: format, threads: threads)
        }
        guard let format else { return (ds, Float(scale)) }
        if softcap > 0 { ds = try format.rounded(fresh: ds, threads: threads) }
        return (try Kernels.scale(ds, by: Float(scale), rounding: format, threads: threads), 1)
    }

    /// dS before the cap: dS·(1 − (s/c)²), where s is the capped score, from which the tangent can be read as long as it is not rounded; dS
    /// rounded has the scale in it.
    private func slopes<R: Scalar>(_ values: [Dense<R>], _ rounding: Rounding) -> Dense<R> {
        let ds = values[values.count - 1]
        let narrow = rounding.format != nil
        guard softcap > 0 else { return narrow ? ds.map { rounding($0 * R(Float(scale))) } : ds }
        return Dense(
            ds.shape,
            zip(ds.values, values[1].values).map { d, s in
                let share = s / R(softcap)
                if !s.isFinite { return 0 }
                guard narrow else { return d * (1 - share * share) }
                return rounding(rounding(SoftCap.slope(d, tangent: rounding(share), R(softcap), rounding)) * R(Float(scale)))
            })
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let ds = values[values.count - 1]
        let (heads, queries, keys) = (ds.shape[0], ds.shape[1], ds.shape[2])
        let mask = mask.pass(queries: queries, keys: keys, first: values[values.count - 2].keys)
        let group = heads / (input == 0 ? values[0].shape[0] : gradient.shape[0])
        let places =
            input == 0
            ? mask.range(query: index[1], keys: keys).map { (index[0], index[1], $0) }
            : (index[0] * group..<(index[0] + 1) * group).flatMap { head in
                (0..<queries).filter { mask.range(query: $0, keys: keys).contains(index[1]) }.map { (head, $0, index[1]) }
            }
        return places.map { h, i, j in
            let other = input == 0 ? [h / group, j, index[2]] : [h, i, index[2]]
            var weight = (values[0].value(at: other) ?? .nan) * Double(Float(scale))
            if softcap > 0, let s = values[1].value(at: [h, i, j]) { weight *= 1 - (s / softcap) * (s / softcap) }
            return Contribution(input: values.count - 1, index: [h, i, j], value: ds.value(at: [h, i, j]) ?? .nan, weight: weight)
        }
    }

    package func backwardCost(_ input: Int, _ values: [Shape], shape: Shape) -> Int {
        2 * values[values.count - 1].elementCount * shape.rowLength
    }

    /// dS behind the cap and dS times the scale, each where it is made; while the products run one of them is left.
    package func backwardScratch(_ input: Int, _ values: [Shape], shape: Shape, rounding: Rounding) -> Int {
        let slopes = values[values.count - 1]
        let made = (softcap > 0 ? 1 : 0) + (rounding.format == nil ? 0 : 1)
        let shared = input == 1 ? AttentionContext.shared(heads: slopes[0], shape, rounding) : 0
        return max(made * slopes.elementCount, min(made, 1) * slopes.elementCount + shared)
    }

    /// One cell: dQ is a row of dS along the keys that the query sees, dK a column of dS along the queries that see the key.
    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard index.count == 3, !mask.packed, let ds = values.last else { return nil }
        let group = ds.shape[0] / max(input == 0 ? values[0].shape[0] : shape[0], 1)
        let (queries, keys) = (ds.shape[1], ds.shape[2])
        let cell = index[2]..<index[2] + 1
        let (part, other): ([Range<Int>], [Range<Int>])
        if input == 0 {
            let visible = mask.pass(queries: queries, keys: keys).range(query: index[1], keys: keys)
            part = [index[0]..<index[0] + 1, index[1]..<index[1] + 1, visible]
            other = [index[0] / group..<index[0] / group + 1, visible, cell]
        } else {
            let seen = mask.queries(key: index[1], queries: queries, keys: keys)
            part = [index[0] * group..<(index[0] + 1) * group, seen, index[1]..<index[1] + 1]
            other = [part[0], seen, cell]
        }
        var slopes = graph.apply(Slice(part), [ds], as: "ds")
        if softcap > 0 {
            let slope = graph.apply(Map(.softcapSlope(softcap)), [graph.apply(Slice(part), [values[1]], as: "s")], as: "1 − (s/cap)²")
            slopes = graph.apply(Zip(.multiply), [slopes, slope], as: "ds·(1 − (s/cap)²)")
        }
        let dot = graph.dotProduct(slopes, graph.apply(Slice(other), [values[0]], as: input == 0 ? "k" : "q"))
        return graph.apply(Map(.times(Double(Float(scale)))), [dot], as: "scale·sum")
    }
}
