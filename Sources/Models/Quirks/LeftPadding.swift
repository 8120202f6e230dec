extension Quirk {
    /// How many pads stand before the text.
    private static let pads = 4

    static let leftPadding = Quirk(
        name: "left-padding-positions", title: "positions count four pads that stand before the text",
        story: """
            In a batch the shorter texts are padded on the left. The pads are hidden, but without positions of its own the text begins at 4. A \
            model with learned positions reads other rows of its table; one that rotates keeps all distances and changes in the last bits alone.
            """,
        source: "huggingface/transformers, GPT-2's generate with left padding: position_ids come from the attention mask",
        first: "position_ids", applies: { _ in true }, change: .positions { place, _ in place + pads })
}
