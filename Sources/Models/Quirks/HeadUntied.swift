extension Quirk {
    static let headUntied = Quirk(
        name: "head-untied", title: "a head tied to the embedding's table is made at random instead",
        story: """
            Such a file has no lm_head.weight. A program that does not tie the two fills the gap as it fills every other one, with \
            random numbers of standard deviation 0.02, and writes nothing but a warning. Every value up to the last norm is right, and \
            the loss is about the logarithm of the vocabulary's size.
            """,
        source: "huggingface/transformers, modeling_utils.py: missing keys are newly initialized, and tie_weights is what prevents it",
        first: "lm_head", applies: { $0.settings.tied }, change: .settings { $0.tied = false })
}
