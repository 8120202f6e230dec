import Engine

extension Quirk {
    static let gemma2Casts = Quirk(
        name: "gemma2-casts", title: "both of Gemma's cast errors, as they came back in Gemma-2",
        story: """
            When Gemma-2 was published, its PyTorch code had the two cast errors again that had been put right in Gemma: the factor √d in fp32 \
            and norms that round too early.
            """,
        source: "google/gemma_pytorch pull request 67, 29 June 2024", first: "model.embed_tokens", applies: of("Gemma-2"),
        change: .ops { op, _ in (op as? Scale)?.inOtherFormat ?? (op as? RMSNorm)?.castEarly })
}
