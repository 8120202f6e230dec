import Engine

extension Quirk {
    static let ropeTablesInBF16 = Quirk(
        name: "rope-tables-bf16", title: "the tables of cos and sin are rounded to bf16",
        story: """
            Under autocast the angles were in fp32 but the tables made from them in bf16, which is off by up to 2.6e-3 in every rotation. In the \
            chart of Gemma's errors this was the largest step by far.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 7; huggingface/transformers pull request 29285 (4.38.2)",
        first: "model.rotary_emb.cos", applies: ofRotation,
        change: .ops { op, _ in
            (op as? RopeTable).map { RopeTable($0.function, positions: $0.positions, table: .bf16, quotientOf: $0.quotientOf) }
        })
}
