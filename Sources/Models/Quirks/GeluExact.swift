import Engine

extension Quirk {
    static let geluExact = Quirk(
        name: "gelu-exact", title: "the exact GELU in the place of the tanh form",
        story: """
            Gemma was trained with the tanh form; config.json said "gelu", which PyTorch takes for the exact one. The two are at most 4.7e-4 apart, \
            at ±2.7: the smallest of the findings, and the first one found.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 8; google/gemma_pytorch pull request 37; huggingface/transformers pull request 29402",
        first: "model.layers.0.mlp.act_fn", applies: { of("Gemma", "Gemma-2")($0) && $0.settings.activation == .geluTanh },
        change: .ops { op, _ in (op as? Activation)?.function == .geluTanh ? Activation(.geluErf) : nil })
}
