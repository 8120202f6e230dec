extension Quirk {
    static let windowMinusOne = Quirk(
        name: "window-minus-one", title: "a window of W lets a query see W − 1 keys",
        story: """
            Phi-3's configuration says 2047 and means the left bound of FlashAttention, which is inclusive: 2048 keys. A program that takes the \
            number for the keys of a query gives it one too few. The last key of the window is gone, and nothing differs before a text \
            is as long as the window.
            """,
        source: "Daniel Han, unsloth.ai/blog/phi3; what the number means: vllm-project/vllm pull request 4380",
        first: "model.layers.0.self_attn.scores", applies: { $0.settings.windows.contains { $0 > 1 } },
        change: .ops { op, _ in Quirk.masked(op) { if $0.window > 1 { $0.window -= 1 } } })
}
