import RealModule
import Tensors

extension AttentionScores {
    static let blocked = KernelCard(
        "Tiles of queries and keys in registers; blocks that no query sees are skipped.",
        order: "one chain of fused multiply-adds over d, ascending; then · scale, cap, mask",
        rounding: "nowhere before the cap; its tanh is a polynomial within 2 ulp",
        source: "Goto and van de Geijn 2008; Vaswani et al. 2017")
    static let bf16tile = KernelCard(
        "q and k rounded to bf16, 16 × 16 scores over 32 features an instruction, sums in fp32.",
        order: "of each 32 features a chain over the even ones and one over the odd ones, added; these sums in a chain",
        rounding: "inputs have 8 digits; short chains; what is below 2⁻¹²⁶ is 0", source: "TDPBF16PS (AMX), Intel SDM volume 2")

    package var variants: [Kernel] {
        [
            scores("naive", AttentionScores.naive) { q, k, _ in zip(q, k).reduce(0) { $0 + $1.0 * $1.1 } },
            scores("reversed", AttentionScores.reversed) { q, k, _ in
                zip(q.reversed(), k.reversed()).reduce(0) { $0.addingProduct($1.0, $1.1) }
            },
            scaled("scale-q", AttentionScores.scaleQ) { ($0, 1) },
            scaled("scale-both", AttentionScores.scaleBoth) { ($0.squareRoot(), $0.squareRoot()) },
            inDouble,
        ]
    }

    private static let naive = KernelCard(
        "Each product rounded before it is added.", order: "s ← s + (q[d] · k[d]), d ascending; then · scale",
        rounding: "products are rounded, too",
        source: "Higham 2002, section 3.1")
    private static let reversed = KernelCard(
        "The same chain from the other end.", order: "one chain of fused multiply-adds, d descending; then · scale",
        rounding: "the order of the sum",
        source: "Higham 2002, section 4.2")
    private static let scaleQ = KernelCard(
        "The scale goes onto q before the product, so that q·k cannot overflow in 16 bits.", order: "Σ (scale·q[d]) · k[d]",
        rounding: "scale·q is rounded in place of the sum; alike where the scale is a power of two",
        source: "Gemma 2's and unsloth's attention; Vaswani et al. 2017, section 3.2.1")
    private static let scaleBoth = KernelCard(
        "The root of the scale on q and on k.", order: "Σ (√scale·q[d]) · (√scale·k[d])",
        rounding: "both factors are rounded before the product",
        source: "PyTorch, _scaled_dot_product_attention_math")

    /// Element by element, with another sum of q·k.
    private func scores(
        _ name: String, _ card: KernelCard, _ dot: @escaping @Sendable (ArraySlice<Float>, ArraySlice<Float>, Rounding) -> Float
    ) -> Kernel {
        Kernel(plain: name, card) { inputs, rounding in
            all(inputs) { q, k in capped(rounding(dot(q, k, rounding)) * Float(scale), rounding) }
        }
    }

    /// With `factors` of the scale on q and on k and none behind the product.
    private func scaled(_ name: String, _ card: KernelCard, _ factors: @escaping @Sendable (Float) -> (Float, Float)) -> Kernel {
        Kernel(plain: name, card) { inputs, rounding in
            let (onQ, onK) = factors(Float(scale))
            let q = inputs[0].map { onQ == 1 ? $0 : rounding($0 * onQ) }
            let k = inputs[1].map { onK == 1 ? $0 : rounding($0 * onK) }
            return all([q, k] + inputs.dropFirst(2)) { q, k in
                capped(zip(q, k).reduce(0) { $0.addingProduct($1.0, $1.1) }, rounding)
            }
        }
    }

    private func capped(_ score: Float, _ rounding: Rounding) -> Float {
        softcap > 0 ? Float(softcap) * rounding(Float.tanh(rounding(rounding(score) / Float(softcap)))) : score
    }

    private func all(_ inputs: [Dense<Float>], _ score: (ArraySlice<Float>, ArraySlice<Float>) -> Float) -> Dense<Float> {
        let (q, k) = (inputs[0], inputs[1])
        let (heads, queries, keys) = (q.shape[0], q.shape[1], k.shape[1])
        let group = heads / k.shape[0]
        let mask = mask.pass(queries: queries, keys: keys, first: inputs.last?.keys)
        var out = Dense(Shape((.head, heads), (.query, queries), (.key, keys))) { _ in capsHidden ? -Float(softcap) : -Float.infinity }
        for row in 0..<heads * queries {
            for j in mask.range(query: row % queries, keys: keys) {
                out.values[row * keys + j] = score(q.row(row), k.row(row / queries / group * keys + j))
            }
        }
        return out
    }

    package func backwardCard(_ input: Int) -> KernelCard? { input == 0 ? AttentionScores.queryGradient : AttentionScores.keyGradient }

    private static let queryGradient = KernelCard(
        "Keys are added up in tiles of registers, as the context adds up values; hidden ones are not read.",
        order: "one chain of fused multiply-adds over the keys, ascending; then · scale",
        rounding: "nowhere in fp32; in 16 bits dS · scale is rounded first, and through a cap each part",
        source: "Dao et al. 2022, arXiv:2205.14135, appendix B; the roundings are autograd's")
    private static let keyGradient = KernelCard(
        "Blocks of 64 keys add up the queries that see one of them.",
        order: "one chain of fused multiply-adds over the group's heads and the queries, ascending; then · scale",
        rounding: "nowhere in fp32; in 16 bits dS · scale is rounded first, and each head's sum before the group's",
        source: "Dao et al. 2022, arXiv:2205.14135, appendix B; the roundings are autograd's")
}

extension AttentionContext {
    static let blocked = KernelCard(
        "Tiles of queries over the values in registers; keys that no query sees are skipped.",
        order: "one chain of fused multiply-adds over visible j, ascending", rounding: "nowhere: the reference's bits",
        source: "Goto and van de Geijn 2008; Vaswani et al. 2017")
    static let bf16tile = KernelCard(
        "p and v rounded to bf16, 16 × 16 outputs over 32 keys an instruction, sums in fp32; hidden keys take no part.",
        order: "of each 32 keys from the first token on a chain over the even ones and one over the odd ones, added; these sums in a chain",
        rounding: "inputs have 8 digits; short chains; what is below 2⁻¹²⁶ is 0", source: "TDPBF16PS (AMX), Intel SDM volume 2")

    package var variants: [Kernel] {
        [
            Kernel("flash", AttentionContext.flash, fusion: FusedAttention.fusion),
            sums("naive", AttentionContext.naive) { sum, p, v in sum + p * v },
            sums("reversed", AttentionContext.reversed, descends: true) { sum, p, v in sum.addingProduct(p, v) },
            inDouble,
        ]
    }

    private static let flash = KernelCard(
        "From q, k and v at once, tile by tile of 64 keys, with a running maximum and sum; scores and probs are never read.",
        order: "per tile: m′ = max(m, s), c ← c·e^(m − m′) + Σ e^(s − m′)·v, l likewise; then c / l",
        rounding: "division at the end; in 16 bits q·k and probs are not rounded, e^(s − m) before it meets v is",
        source: "Dao et al. 2022, arXiv:2205.14135, algorithm 1; Dao 2023, arXiv:2307.08691")
    private static let naive = KernelCard(
        "Each product rounded before it is added.", order: "c ← c + (p[j] · v[j]), j ascending", rounding: "products are rounded, too",
        source: "Higham 2002, section 3.1")
    private static let reversed = KernelCard(
        "The same chain from the last key to the first.", order: "one chain of fused multiply-adds, j descending",
        rounding: "the order of the sum",
        source: "Higham 2002, section 4.2")

    private func sums(
        _ name: String, _ card: KernelCard, descends: Bool = false, _ add: @escaping @Sendable (Float, Float, Float) -> Float
    ) -> Kernel {
        Kernel(plain: name, card) { inputs, _ in
            let (p, v) = (inputs[0], inputs[1])
            let (heads, queries, keys, width) = (p.shape[0], p.shape[1], p.shape[2], v.shape[2])
            let mask = mask.pass(queries: queries, keys: keys, first: inputs.last?.keys)
            var out = Dense(Shape((.token, queries), (.feature, heads * width))) { _ in Float(0) }
            for row in 0..<heads * queries {
                let (h, i) = (row / queries, row % queries)
                let seen = mask.range(query: i, keys: keys)
                for j in descends ? Array(seen.reversed()) : Array(seen) {
                    let (weight, at) = (p.values[row * keys + j], (h / (heads / v.shape[0]) * keys + j) * width)
                    for d in 0..<width {
                        let place = (i * heads + h) * width + d
                        out.values[place] = add(out.values[place], weight, v.values[at + d])
                    }
                }
            }
            return out
        }
    }

    package func backwardCard(_ input: Int) -> KernelCard? {
        input == 0 ? AttentionContext.probabilityGradient : AttentionContext.valueGradient
    }

    private static let probabilityGradient = KernelCard(
        "The kernel of the scores, with dC in the place of the queries and V in that of the keys.",
        order: "one chain of fused multiply-adds over d, ascending", rounding: "nowhere: the reference's bits",
        source: "Dao et al. 2022, arXiv:2205.14135, appendix B")
    private static let valueGradient = KernelCard(
        "Blocks of 64 keys add up the queries that see one of them.",
        order: "one chain of fused multiply-adds over the group's heads and the queries, ascending",
        rounding: "nowhere in fp32; in 16 bits each head's sum before the group's",
        source: "Dao et al. 2022, arXiv:2205.14135, appendix B; the roundings are autograd's")
}
