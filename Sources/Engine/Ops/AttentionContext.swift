import Tensors

/// probs [head, T, S] · v [kv head, S, D] → [T, head·D], heads side by side as the output projection wants them. A packed mask
/// takes the first visible key of each query [T] as a third input.
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
            .normal(Shape((.head, 2), (.token, 6), (.feature, 8)))),
        OpSample(
            AttentionContext(mask: AttentionMask(packed: true)), .probabilities(Shape((.head, 2), (.query, 4), (.key, 4))),
            .normal(Shape((.head, 1), (.token, 4), (.feature, 6))), .integers([0, 1, 1, 3])),
    ]

    package var isProduct: Bool { true }
    package var isRepeatedCheaply: Bool { false }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try mask.packed ? Shapes.expect(inputs, ranks: 3, 3, 1) : Shapes.expect(inputs, ranks: 3, 3)
        try Shapes.expectEqual(inputs[0][2], inputs[1][1], "keys of probs and of v")
        if inputs[1][0] == 0 || inputs[0][0] % inputs[1][0] != 0 {
            throw ShapeError("\(inputs[0][0]) heads cannot share \(inputs[1][0]) value heads")
        }
        return Shape((.token, inputs[0][1]), (.feature, inputs[0][0] * inputs[1][2]))
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { reference(inputs, rounding: .none) }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        let (p, v) = (inputs[0], inputs[1])
        let (heads, queries, keys, width) = (p.shape[0], p.shape[1], p.shape[2], v.shape[2])
        let group = heads / v.shape[0]
        let mask = mask.pass(queries: queries, keys: keys, first: inputs.last?.keys)
        return Dense(Shape((.token, queries), (.feature, heads * width))) { position in
            let (i, h, d) = (position / (heads * width), position / width % heads, position % width)
            var sum: R = 0
            for j in mask.range(query: i, keys: keys) {
                sum = rounding.partial(
                    sum.addingProduct(p.values[(h * queries + i) * keys + j], v.values[(h / group * keys + j) * width + d]))
            }
            return sum
        }
    }

    package var kernels: [Kernel] {
        [
            fast("blocked", AttentionContext.blocked, .chain),
            fast("bf16tile", AttentionContext.bf16tile, .bf16Tiles),
        ]
    }

    private func fast(_ name: String, _ card: KernelCard, _ sums: Kernels.AttentionSums) -> Kernel {
        var kernel = Kernel(rounding: name, card, roundsOutput: true) { [mask] inputs, shape, arithmetic in
            try Kernels.attentionContext(
                inputs[0].contiguous(), inputs[1], mask: mask.with(first: inputs[inputs.count - 1]), sums: sums,
                rounding: arithmetic.rounding.format, shape: shape, threads: arithmetic.threads)
        }
        if sums == .bf16Tiles { kernel.inputs = .bf16 }
        return kernel
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        let width = inputs[1].shape[2]
        let (h, d) = (index[1] / width, index[1] % width)
        let group = inputs[0].shape[0] / inputs[1].shape[0]
        let mask = mask.pass(queries: inputs[0].shape[1], keys: inputs[0].shape[2], first: inputs.last?.keys)
        return mask.range(query: index[0], keys: inputs[0].shape[2]).map { j in
            Contribution(
                input: 1, index: [h / group, j, d], value: inputs[1].value(at: [h / group, j, d]) ?? .nan,
                weight: inputs[0].value(at: [h, index[0], j]) ?? .nan)
        }
    }

    /// One cell: the query's probabilities, the values of that dimension, products, running sum.
    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        // What a packed mask hides is known to the values only, not to the nodes.
        guard index.count == 2, !mask.packed else { return nil }
        let width = inputs[1].shape[2]
        let (h, d) = (index[1] / max(width, 1), index[1] % max(width, 1))
        let group = inputs[0].shape[0] / max(inputs[1].shape[0], 1)
        let p = graph.apply(Cell(prefix: [h, index[0]]), [inputs[0]], as: "p")
        let v = graph.apply(Cell(prefix: [h / group], suffix: [d]), [inputs[1]], as: "v")
        return graph.dotProduct(p, v)
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 2 * output.elementCount * inputs[0].rowLength }

    package var derivatives: [Derivative] {
        let first: [Derivative.Read] = mask.packed ? [.input(2)] : []
        return [
            Derivative(
                0, reads: [.input(1)] + first, formula: "dP = dC · Vᵀ",
                derivation: [
                    "c[i] = Σⱼ p[i,j]·v[j]", "∂c[i,d]/∂p[i,j] = v[j,d]; a hidden p is 0 but would count if it were not",
                    "dp[i,j] = Σ_d dc[i,d]·v[j,d]",
                ]),
            Derivative(
                1, reads: [.input(0)] + first, formula: "dV = Pᵀ · dC",
                derivation: [
                    "c[i] = Σⱼ p[i,j]·v[j]", "∂c[i,d]/∂v[j,d] = p[i,j]", "dv[j,d] = Σᵢ p[i,j]·dc[i,d], over all heads that share the value",
                ]),
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        backward(input, values, shape: shape, rounding: .none)
    }

    /// Rounded is, of heads that share a value, what each sends to it.
    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        let (other, dc) = (values[0], values[values.count - 1])
        if input == 0 { return probabilityGradient(other, dc, shape) }
        return valueGradient(
            other, dc, shape, mask.pass(queries: other.shape[1], keys: other.shape[2], first: values[values.count - 2].keys),
            rounding)
    }

    private func probabilityGradient<R: Scalar>(_ v: Dense<R>, _ dc: Dense<R>, _ shape: Shape) -> Dense<R> {
        let (heads, queries, keys, width) = (shape[0], shape[1], shape[2], v.shape[2])
        let group = heads / v.shape[0]
        return Dense(shape) { position in
            let (h, i, j) = (position / (queries * keys), position / keys % queries, position % keys)
            var sum: R = 0
            for d in 0..<width {
                sum = sum.addingProduct(dc.values[(i * heads + h) * width + d], v.values[(h / group * keys + j) * width + d])
            }
            return sum
        }
    }

    private func valueGradient<R: Scalar>(
        _ p: Dense<R>, _ dc: Dense<R>, _ shape: Shape, _ mask: AttentionMask, _ rounding: Rounding
    ) -> Dense<R> {
        let (heads, queries, keys, width) = (p.shape[0], p.shape[1], p.shape[2], shape[2])
        let group = heads / shape[0]
        return Dense(shape) { position in
            let (kv, j, d) = (position / (keys * width), position / width % keys, position % width)
            var sum: R = 0
            for h in kv * group..<(kv + 1) * group {
                var own: R = rounding.format == nil ? sum : 0
                for i in 0..<queries where mask.range(query: i, keys: keys).contains(j) {
                    own = own.addingProduct(p.values[(h * queries + i) * keys + j], dc.values[(i * heads + h) * width + d])
                }
                sum = rounding.format == nil ? own : sum + rounding(own)
            }
            return sum
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        if input == 0 { return [probabilities("blocked", nil, .chain), probabilities("bf16tile", AttentionContext.bf16tile, .bf16Tiles)] }
        return [
            Kernel(rounding: "blocked") { [mask] values, shape, arithmetic in
                let (dc, p, threads) = (values[values.count - 1], values[0], arithmetic.threads)
                let mask = mask.with(first: values[values.count - 2])
                return try Kernels.overGroups(heads: p.shape[0], shape: shape, rounding: arithmetic.rounding.format, threads: threads) {
                    try Kernels.valuesGradient(dc, probs: p, mask: mask, shape: $0, threads: threads)
                }
            }
        ]
    }

    /// dP by the kernels of the scores.
    private func probabilities(_ name: String, _ card: KernelCard?, _ sums: Kernels.AttentionSums) -> Kernel {
        var kernel = Kernel(rounding: name, card, roundsOutput: true) { values, shape, arithmetic in
            try Kernels.probabilitiesGradient(
                values[values.count - 1], v: values[0], sums: sums, rounding: arithmetic.rounding.format, shape: shape,
                threads: arithmetic.threads)
        }
        if sums == .bf16Tiles { kernel.inputs = .bf16 }
        return kernel
    }

    package func backwardScratch(_ input: Int, _ values: [Shape], shape: Shape, rounding: Rounding) -> Int {
        input == 1 ? AttentionContext.shared(heads: values[0][0], shape, rounding) : 0
    }

    /// Of heads that share a key or a value what each sends to it, if that is rounded, and once more side by side to be added up.
    static func shared(heads: Int, _ shape: Shape, _ rounding: Rounding) -> Int {
        rounding.format == nil || heads <= shape[0] ? 0 : 2 * heads * shape[1] * shape[2]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let last = values.count - 1
        let dc = values[last]
        if input == 0 {
            let width = values[0].shape[2]
            let group = gradient.shape[0] / values[0].shape[0]
            return (0..<width).map { d in
                let place = [index[1], index[0] * width + d]
                let weight = values[0].value(at: [index[0] / group, index[2], d]) ?? .nan
                return Contribution(input: last, index: place, value: dc.value(at: place) ?? .nan, weight: weight)
            }
        }
        let (p, width) = (values[0].shape, gradient.shape[2])
        let group = p[0] / gradient.shape[0]
        let mask = mask.pass(queries: p[1], keys: p[2], first: values[last - 1].keys)
        return (index[0] * group..<(index[0] + 1) * group).flatMap { h in
            (0..<p[1]).filter { mask.range(query: $0, keys: p[2]).contains(index[1]) }.map { i in
                let place = [i, h * width + index[2]]
                let weight = values[0].value(at: [h, i, index[1]]) ?? .nan
                return Contribution(input: last, index: place, value: dc.value(at: place) ?? .nan, weight: weight)
            }
        }
    }

    package func backwardCost(_ input: Int, _ values: [Shape], shape: Shape) -> Int {
        2 * values[values.count - 1].elementCount * (input == 0 ? shape.rowLength : values[0].rowLength)
    }

    /// One cell: dP is a row of dC along the key's value, dV a column of P along one of dC, query by query and head by head.
    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        guard index.count == 3, !mask.packed else { return nil }
        let (heads, width) = input == 0 ? (shape[0], values[0].shape[2]) : (values[0].shape[0], shape[2])
        let group = heads / max(input == 0 ? values[0].shape[0] : shape[0], 1)
        let dc = graph.apply(HeadView(heads: heads, headDimension: width), [values[1]], as: "dC by heads")
        if input == 0 {
            let row = graph.apply(Cell(prefix: [index[0], index[1]]), [dc], as: "dc")
            return graph.dotProduct(row, graph.apply(Cell(prefix: [index[0] / group, index[2]]), [values[0]], as: "v"))
        }
        let queries = mask.queries(key: index[1], queries: values[0].shape[1], keys: values[0].shape[2])
        let ranges = [index[0] * group..<(index[0] + 1) * group, queries]
        let p = graph.apply(Slice(ranges + [index[1]..<index[1] + 1]), [values[0]], as: "p")
        return graph.dotProduct(p, graph.apply(Slice(ranges + [index[2]..<index[2] + 1]), [dc], as: "dc"))
    }
}

extension AttentionMask {
    /// The queries that see a key, of a pass.
    func queries(key: Int, queries: Int, keys: Int) -> Range<Int> {
        let mask = pass(queries: queries, keys: keys)
        let seeing = (0..<queries).filter { mask.range(query: $0, keys: keys).contains(key) }
        return (seeing.first ?? 0)..<(seeing.last.map { $0 + 1 } ?? 0)
    }
}
