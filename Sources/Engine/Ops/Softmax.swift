import RealModule
import Tensors

/// exp(x − max) / Σ exp(x − max) along the last axis. With a mask, x is [head, query, key] and hidden keys get exactly 0;
/// a packed mask takes the first visible key of each query [query] as a second input.
package struct Softmax: Op {
    package let mask: AttentionMask?
    /// Whether the architecture's code computes in fp32 and casts to its format after that, so that autograd keeps what has not been cast.
    package let upcasts: Bool

    package init(mask: AttentionMask? = nil, upcasts: Bool = false) {
        self.mask = mask
        self.upcasts = upcasts
    }

    package static let card = OpCard(
        name: "softmax", formula: "p[j] = exp(s[j] − max s) / Σₖ exp(s[k] − max s)",
        sentence: "Turns scores into positive weights that add up to 1; the maximum is taken away first, so that exp cannot overflow.",
        source: "Bridle 1990; the shift: Goodfellow et al. 2016, section 4.1")
    package static let samples = [
        OpSample(Softmax(), .normal(Shape((.token, 3), (.vocabulary, 41)))),
        OpSample(Softmax(mask: AttentionMask()), .scores(Shape((.head, 2), (.query, 6), (.key, 6)), AttentionMask())),
        OpSample(
            Softmax(mask: AttentionMask(packed: true)), .scores(Shape((.head, 2), (.query, 4), (.key, 4)), AttentionMask()),
            .integers([0, 1, 1, 3])),
    ]

    package var parameters: [(name: String, value: String)] { upcasts ? [("computed in", "fp32, then cast")] : [] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == (mask?.packed == true ? 2 : 1), inputs[0].rank >= 1, mask == nil || inputs[0].rank == 3 else {
            throw ShapeError("takes scores [head, query, key]")
        }
        return inputs[0]
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (queries, keys) = (inputs[0].shape[1], inputs[0].shape.rowLength)
        let mask = mask?.pass(queries: queries, keys: keys, first: inputs.last?.keys)
        return inputs[0].mapRows { row, x in
            let visible = mask?.range(query: row % queries, keys: keys) ?? 0..<keys
            let seen = x.dropFirst(visible.lowerBound).prefix(visible.count)
            let top = seen.max() ?? 0
            let exps = seen.map { R.exp($0 - top) }
            let sum = exps.reduce(0, +)
            return (0..<x.count).map { visible.contains($0) ? exps[$0 - visible.lowerBound] / sum : 0 }
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel(rounding: "simd", Softmax.simd, roundsOutput: true) { [mask] inputs, _, arithmetic in
                try Kernels.softmax(
                    inputs[0], mask: mask?.with(first: inputs[inputs.count - 1]),
                    rounding: arithmetic.roundsOutput ? arithmetic.rounding.format : nil,
                    threads: arithmetic.threads)
            }
        ]
    }

    /// Of a row of exponentials each is a share of the sum: the own score first.
    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let score = inputs[0].value(at: index), let p = output.value(at: index), score.isFinite, score != 0 else { return [] }
        return [Contribution(input: 0, index: index, value: score, weight: p / score)]
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        // The small steps know no mask; −∞ does the same where it is in the scores.
        if mask?.packed == true { return nil }
        let top = graph.apply(Reduce(.max), [inputs[0]], as: "max")
        let shifted = graph.apply(Zip(.subtract), [inputs[0], top], as: "s − max")
        let exps = graph.apply(Map(.exp), [shifted], as: "exp(s − max)")
        let sum = graph.apply(Reduce(.sum), [exps], as: "Σ exp")
        return graph.apply(Zip(.divide), [exps, sum], as: "exp / Σ")
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [upcasts ? .unrounded : .output], formula: "dS = P ∘ (dP − Σⱼ dP·P)",
                derivation: [
                    "p[i] = e^s[i] / Σ e^s", "∂p[i]/∂s[j] = p[i]·(δᵢⱼ − p[j])", "ds[j] = Σᵢ dp[i]·p[i]·(δᵢⱼ − p[j])",
                    "ds[j] = p[j]·(dp[j] − Σᵢ dp[i]·p[i])",
                    "hidden keys have p = 0, so ds = 0",
                ])
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let (p, dp) = (values[0], values[1])
        return p.mapRows { number, p in
            let dp = dp.row(number)
            let mean = zip(p, dp).reduce(0) { $1.0 == 0 ? $0 : $0 + $1.0 * $1.1 }
            return zip(p, dp).map { $0 == 0 ? 0 : $0 * ($1 - mean) }
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel(rounding: "simd", roundsOutput: true) { [mask] values, _, arithmetic in
                try Kernels.softmaxGradient(
                    values[0], values[values.count - 1], mask: mask?.with(first: values[values.count - 2]),
                    rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let own = values[0].value(at: index), own != 0 else { return [] }
        return (0..<values[0].shape.rowLength).map { j in
            let place = Array(index.dropLast()) + [j]
            let p = values[0].value(at: place) ?? .nan
            return Contribution(
                input: 1, index: place, value: values[1].value(at: place) ?? .nan, weight: own * ((place == index ? 1 : 0) - p))
        }
    }

    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        let product = graph.apply(Zip(.multiply), [values[0], values[1]], as: "P∘dP")
        let sum = graph.apply(Reduce(.sum), [product], as: "Σ P∘dP")
        let difference = graph.apply(Zip(.subtract), [values[1], sum], as: "dP − Σ P∘dP")
        return graph.apply(Zip(.multiply), [values[0], difference], as: "P∘(dP − Σ P∘dP)")
    }
}
