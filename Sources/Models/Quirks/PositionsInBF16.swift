import Engine

extension Quirk {
    static let positionsInBF16 = Quirk(
        name: "positions-bf16", title: "positions are rounded to bf16",
        story: """
            Keras' mixed precision cast everything to bf16, positions too, where they are whole numbers: beyond 256 only every second, fourth, … \
            number exists. Of the positions below 8192 only 897 are left, and sixteen of them become 8192. Up to token 256 nothing differs; \
            :set position_ids[token 9] = 8190 shows it in a short text.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 5", first: "model.rotary_emb.cos", applies: ofRotation,
        change: .ops { op, _ in
            (op as? RopeTable).map { RopeTable($0.function, positions: .bf16, table: $0.table, quotientOf: $0.quotientOf) }
        })
}
