import Engine

extension Quirk {
    static let capsMissing = Quirk(
        name: "caps-missing", title: "neither scores nor logits are capped",
        story: """
            Fused attention knew no cap when Gemma-2 came out: vLLM left it away at first, llama.cpp had neither cap. A model that was trained \
            with them gives sharper attention then, and logits beyond what it has ever seen.
            """,
        source: "ggml-org/llama.cpp pull request 8197, 28 June 2024; vllm-project/vllm pull request 5908",
        first: "model.layers.0.self_attn.scores", applies: { $0.settings.scoreCap > 0 },
        change: .ops { op, _ in
            switch op {
            case let op as AttentionScores: op.with(softcap: 0)
            case is SoftCap: SoftCap(0)
            default: nil
            }
        })
}
