extension Quirk {
    static let causalOffByOne = Quirk(
        name: "causal-off-by-one", title: "a query sees one key behind its own: the next token",
        story: """
            The diagonal of the mask is off by one. Every token but the last sees the one that it is to predict; a model that is trained so learns \
            to copy it, with a loss near 0, and cannot write.
            """,
        source: "the right diagonal: karpathy/nanoGPT, model.py, torch.tril", first: "*.0.*attn.scores",
        applies: { _ in true }, change: .ops { op, _ in Quirk.masked(op) { $0.ahead = 1 } })
}
