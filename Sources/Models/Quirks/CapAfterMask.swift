import Engine

extension Quirk {
    static let capAfterMask = Quirk(
        name: "cap-after-mask", title: "scores are capped after the mask, so that hidden keys are seen",
        story: """
            The cap belongs before the mask. After it, a hidden key's −∞ becomes −cap like any other large number, and the softmax gives it \
            probability: the model looks ahead and beyond its window.
            """,
        source: "the right order: google-deepmind/gemma, gemma/gm/nn/_modules.py; Grok-1: xai-org/grok-1, model.py",
        first: "model.layers.0.self_attn.scores", applies: { $0.settings.scoreCap > 0 },
        change: .ops { op, _ in
            switch op {
            case let op as AttentionScores: op.with(capsHidden: true)
            case let op as Softmax: op.mask.map { Softmax(mask: $0.opened, upcasts: op.upcasts) }
            case let op as AttentionContext: AttentionContext(mask: op.mask.opened)
            default: nil
            }
        })
}
