import Engine
import Tensors

extension Quirk {
    static let scoreScale = Quirk(
        name: "score-scale", title: "scores are divided by √(hidden / heads), not by √query_pre_attn_scalar",
        story: """
            Gemma-2 9B was published with 224 = 3584 / 16 where 256, the dimension of a head, was right: every score was 1.069 times too large. \
            For 27B, 4608 / 32 = 144 is what the model was trained with, so nobody can tell from the sizes alone.
            """,
        source: "google/gemma_pytorch commits a88abd5 and 03e6575, 9 July 2024; as it was copied: ggml-org/llama.cpp pull request 8197",
        first: "model.layers.0.self_attn.scores",
        applies: { model in
            let s = model.settings
            return of("Gemma-2")(model) && s.scoreDivisor != Double(s.hidden) / Double(s.heads)
        },
        change: .ops { op, s in
            guard let scores = op as? AttentionScores else { return nil }
            return scores.with(scale: (Double(s.heads) / Double(s.hidden)).squareRoot())
        })
}

extension AttentionScores {
    /// With another scale, cap or mask.
    func with(
        scale: Double? = nil, softcap: Double? = nil, mask: AttentionMask? = nil, capsHidden: Bool? = nil
    ) -> AttentionScores {
        AttentionScores(
            scale: scale ?? self.scale, softcap: softcap ?? self.softcap, mask: mask ?? self.mask, capsHidden: capsHidden ?? self.capsHidden
        )
    }
}
