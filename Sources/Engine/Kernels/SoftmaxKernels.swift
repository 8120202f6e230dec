import RealModule
import Tensors

extension Softmax {
    static let simd = KernelCard(
        "Sixteen scores at a time, exp by a polynomial.", order: "max; Σ exp(s − max) in fp64 lanes and one fixed tree; exp / Σ",
        rounding: "exp within 1 ulp of its own; the sum is as good as exact", source: "exp: minimax fit in the manner of Cephes",
        sums: .fp64)

    package var variants: [Kernel] {
        [
            rows("naive", Softmax.naive) { s in
                let exps = s.map { Float.exp($0) }
                let sum = exps.reduce(0, +)
                return exps.map { $0 / sum }
            },
            rows("two-pass", Softmax.twoPass) { s in
                let top = s.max() ?? 0
                let exps = s.map { Float.exp($0 - top) }
                let share = 1 / exps.reduce(0, +)
                return exps.map { $0 * share }
            },
            rows("online", Softmax.online) { s in
                let (top, sum) = OnlineSum(s).parts
                return s.map { Float.exp($0 - top) / sum }
            },
            rows("base-2", Softmax.base2) { s in
                let log2e: Float = 1.44269504
                let top = (s.max() ?? 0) * log2e
                let exps = s.map { Float.exp2((-top).addingProduct($0, log2e)) }
                let sum = exps.reduce(0, +)
                return exps.map { $0 / sum }
            },
            inDouble,
        ]
    }

    private static let naive = KernelCard(
        "The definition, without taking the maximum away.", order: "exp(s) / Σ exp(s)",
        rounding: "large |s| lose nothing, since nothing is subtracted",
        source: "Bridle 1990",
        fails: "Inf/Inf = NaN where some s > 88.72, 0/0 = NaN where all s < −103.97 (in fp32)")
    private static let twoPass = KernelCard(
        "One pass for the maximum, one for the exponentials and their sum; then all are multiplied by 1/Σ.",
        order: "max; Σ exp(s − max), ascending in fp32; exp · (1/Σ)", rounding: "1/Σ is rounded before the product: one rounding more",
        source: "safe softmax: Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 2")
    private static let online = KernelCard(
        "Maximum and sum in one pass; the sum so far shrinks where a larger score comes.",
        order: "m′ = max(m, s), d ← d·exp(m − m′) + exp(s − m′); then exp(s − m) / d",
        rounding: "one product more for every score", source: "Milakov and Gimelshein 2018, arXiv:1805.02867, algorithm 3")
    private static let base2 = KernelCard(
        "Powers of two, which hardware has, with log₂ e folded into a fused multiply-add.", order: "2^(s·log₂e − max·log₂e) / Σ",
        rounding: "max·log₂e is rounded: the powers are off by up to |max|·2⁻²⁴, all alike",
        source: "Dao 2023, arXiv:2307.08691; FlashAttention's softmax.h",
        fails: "0 or Inf where |max| is beyond some 10⁹: the rounding of max·log₂e is then more than exponents span")

    /// Row by row over what the mask shows; the rest is 0.
    private func rows(_ name: String, _ card: KernelCard, _ row: @escaping @Sendable ([Float]) -> [Float]) -> Kernel {
        Kernel(plain: name, card) { inputs, _ in
            let keys = inputs[0].shape.rowLength
            let queries = mask == nil ? 1 : inputs[0].shape[1]
            let mask = mask?.pass(queries: queries, keys: keys, first: inputs.last?.keys)
            return inputs[0].mapRows { number, x in
                guard let visible = mask?.range(query: number % queries, keys: keys) else { return row(Array(x)) }
                let seen = row(Array(x.dropFirst(visible.lowerBound).prefix(visible.count)))
                return [Float](repeating: 0, count: visible.lowerBound) + seen + [Float](repeating: 0, count: keys - visible.upperBound)
            }
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? { Softmax.gradient }

    private static let gradient = KernelCard(
        "A pass for the sum, one for the products; hidden keys are not read.",
        order: "Σ P·dP in fp64 lanes and one fixed tree; P · (dP − Σ)", rounding: "the sum is as good as exact; then two an element",
        source: "Bridle 1990; PyTorch, softmax_backward_data", sums: .fp64)
}

/// The maximum of a row and the sum of its exponentials beside it, in one pass.
struct OnlineSum {
    private var top = -Float.infinity
    private var sum: Float = 0

    init(_ scores: [Float]) {
        for s in scores {
            let next = max(top, s)
            // Of nothing but −∞ nothing is known yet; 0 · NaN would be NaN.
            sum = (sum == 0 ? 0 : sum * Float.exp(top - next)) + Float.exp(s - next)
            top = next
        }
    }

    var parts: (top: Float, sum: Float) { (top, sum) }
}
