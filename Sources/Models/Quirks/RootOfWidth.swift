import Engine

extension Quirk {
    static let rootOfWidth = Quirk(
        name: "sqrt-d-format", title: "the embedding's factor √d is in another format than the activations",
        story: """
            Gemma's rows are multiplied by √d, and the factor itself is rounded to the format of the activations first: in bf16, √3072 = 55.4256 \
            is 55.5 and √2048 = 45.2548 is 45.25. A program that kept it in fp32 was off by that much in every number that follows. On, a \
            narrow run has the factor in fp32; a run in fp32 has the one that a bf16 run multiplies by.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 3; huggingface/transformers pull request 29402", first: "model.embed_tokens",
        applies: of("Gemma", "Gemma-2"), change: .ops { op, _ in (op as? Scale)?.inOtherFormat })
}

extension Scale {
    var inOtherFormat: Scale { Scale(factor, followsFormat: false) }
}
