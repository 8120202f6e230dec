extension Quirk {
    static let windowPlusOne = Quirk(
        name: "window-plus-one", title: "a window of W lets a query see W + 1 keys",
        story: """
            FlashAttention's left bound is inclusive: given W, a query sees itself and W keys before it, where the model was trained with W in \
            all. The same confusion is behind Phi-3's window of 2047 for 2048.
            """,
        source: "huggingface/transformers issue 39408, put right in pull request 40163", first: "model.layers.0.self_attn.scores",
        applies: { $0.settings.windows.contains { $0 > 0 } },
        change: .ops { op, _ in Quirk.masked(op) { if $0.window > 0 { $0.window += 1 } } })
}
