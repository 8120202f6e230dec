extension Quirk {
    static let headDimDerived = Quirk(
        name: "head-dim-derived", title: "head_dim is taken for hidden / heads, whatever config.json says",
        story: """
            Gemma 7B has heads of 256 where 3072 / 16 is 192, Mistral NeMo heads of 128 where 5120 / 32 is 160. A loader that compares shapes \
            refuses such a file; one that trusts its own sizes reads the first numbers of each projection and goes on. On, the run does \
            what the second one does, and where the file has too few numbers it ends with an error that says so.
            """,
        source: "the error of a loader that compares: ggml-org/llama.cpp issue 8577, July 2024; put right in pull request 8604",
        first: "model.rotary_emb.inv_freq",
        applies: { model in
            let s = model.settings
            return s.rope != nil && s.hidden % s.heads == 0 && (s.hidden / s.heads) % 2 == 0 && s.headDimension != s.hidden / s.heads
        },
        change: .settings { $0.headDimension = $0.hidden / $0.heads })
}
