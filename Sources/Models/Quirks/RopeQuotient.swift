import Engine

extension Quirk {
    static let ropeQuotient = Quirk(
        name: "rope-quotient", title: "angles are t / x, as DeepMind makes them, not t · (1 / x)",
        story: """
            transformers multiplies positions by inverse frequencies, DeepMind's Gemma divides them by the periods. In fp32 a quarter of the \
            angles differ (26 % at head_dim 256, up to position 8191), by at most 4.9e-4. Neither is nearer to the truth everywhere; what counts \
            is to match the code that a model was trained with. Off is what transformers does.
            """,
        source: "unsloth.ai/blog/gemma-bugs, finding 6; google-deepmind/gemma, gemma/gm/math/_positional_embeddings.py",
        first: "model.rotary_emb.*", applies: { ofRotation($0) && $0.settings.rope?.kind == .default },
        change: .ops { op, settings in
            guard let table = op as? RopeTable, let rope = settings.rope else { return nil }
            return RopeTable(
                table.function, positions: table.positions, table: table.table,
                quotientOf: RopeFrequencies(base: rope.theta, dimensions: settings.headDimension))
        })
}
