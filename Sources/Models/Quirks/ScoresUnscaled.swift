import Engine

extension Quirk {
    static let scoresUnscaled = Quirk(
        name: "scores-unscaled", title: "scores are not divided by √head_dim",
        story: """
            Without the division the scores grow with the dimension of a head and the softmax puts nearly all on one key. It is easily forgotten, \
            since everything still runs.
            """,
        source: "Vaswani et al. 2017, arXiv:1706.03762, section 3.2.1", first: "transformer.h.0.attn.scores", applies: of("GPT-2"),
        change: .ops { op, _ in (op as? AttentionScores)?.with(scale: 1) })
}
