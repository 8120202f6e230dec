import Engine

extension Quirk {
    static let ropeScalingIgnored = Quirk(
        name: "rope-scaling-ignored", title: "the frequencies are not rescaled for the long context",
        story: """
            Llama 3.1 turns its slow pairs eight times slower than its base says. A program that does not know rope_scaling reads the file \
            without complaint and is right for short texts only.
            """,
        source: "huggingface/transformers 4.43, the first version that reads rope_type llama3", first: "model.rotary_emb.inv_freq",
        applies: { ofRotation($0) && $0.settings.rope?.kind != .default },
        change: .ops { op, _ in (op as? RopeFrequencies).map { RopeFrequencies(base: $0.base, dimensions: $0.dimensions) } })
}
