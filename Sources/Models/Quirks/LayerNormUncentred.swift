import Engine

extension Quirk {
    static let layerNormUncentred = Quirk(
        name: "layernorm-uncentred", title: "layer norms leave the mean in, as an RMSNorm",
        story: """
            A program made for Llama norms by the root mean square. GPT-2's rows have a mean, and its weights expect it to be gone.
            """,
        source: "Zhang and Sennrich 2019, arXiv:1910.07467, section 3 (what the two norms differ in)", first: "transformer.h.0.ln_1",
        applies: of("GPT-2"), change: .ops { op, _ in (op as? LayerNorm).map { LayerNorm(epsilon: $0.epsilon, centres: false) } })
}
