extension Quirk {
    static let meanOfMeans = Quirk(
        name: "mean-of-means", title: "a step of a finetune has the mean of means for its loss",
        story: """
            With gradient accumulation each micro-batch had its own mean, and the means were averaged: tokens of short texts count more than \
            those of long ones, and the loss is not that of the same texts in one batch. A finetune that is begun with it has \
            --denominator means; a run without a finetune is the same.
            """,
        source: "unsloth.ai/blog/gradient, 15 October 2024; huggingface/transformers pull request 34191", first: "loss",
        applies: { _ in true }, change: .denominator)
}
