/// Every setting, in the order of the form and of the help.
extension Setting {
    private static let most = Double.greatestFiniteMagnitude

    package static let all: [Setting] = data + training + optimizer + weights + run

    private static let data: [Setting] = [
        .integer("sequence-length", .data, \.sequenceLength, 0...(1 << 24), "Tokens of a row at most; 0: the model's context."),
        .integer("batch-size", .data, \.batchSize, 1...(1 << 20), "Rows (pairs, in preference data) of a micro-batch."),
        .integer("accumulation", .data, \.accumulation, 1...(1 << 20), "Micro-batches of a step, whose gradients are summed."),
        .choice(
            "denominator", .data, \.denominator,
            "tokens: the loss of a step is divided by the tokens that count in all of it. means: the mean of micro-batches' means, a known mistake, to look at."
        ),
        .flag("packing", .data, \.packing, "Several texts in one row; attention does not cross from one to the next, positions restart."),
        .choice("loss-on", .data, \.lossOn, "assistant: of a conversation only what the assistant says counts. all: every token."),
        .choice("too-long", .data, \.tooLong, "What becomes of rows longer than the sequence length: skip or truncate; both are counted."),
        .flag("shuffle", .data, \.shuffle, "A new order of the rows in each epoch."),
        .integer("seed", .data, \.seed, 0...Int.max, "Begin of all random numbers: order, dropout, new adapters."),
        .text("validation", .data, \.validation, "A file whose loss is measured and not trained on."),
        .integer("validate-every", .data, \.validateEvery, 0...Int.max, "Steps between two such measurements; 0: only at the end."),
    ]

    private static let training: [Setting] = [
        .choice(
            "method", .training, \.method,
            "full: every weight. lora: small matrices beside the frozen weights. qlora: beside weights rounded to four bits (NF4). dpo, orpo: as lora, from pairs of answers. reward: as lora, a number for each answer."
        ),
        .integer(
            "heads", .training, \.heads, 0...16,
            "With full, lora, qlora: so many more heads learn the tokens behind the next one, from the same last layer. Only training has them."
        ),
        .integer("steps", .training, \.steps, 0...Int.max, "Steps of the optimizer; 0: as many as the epochs need."),
        .real("epochs", .training, \.epochs, 0...1e6, "Passes over the data, where no steps are given."),
        .real("lr", .training, \.lr, 0...most, "The learning rate at its highest."),
        .choice(
            "schedule", .training, \.schedule,
            "How the rate falls after the warm-up: not, in a line, as half a cosine, or not until the last part of the run (wsd)."),
        .integer("warmup", .training, \.warmup, 0...Int.max, "Steps in which the rate rises from 0 in a line."),
        .real("min-ratio", .training, \.minRatio, 0...1, "Where the rate ends, as a part of its highest."),
        .real("decay-share", .training, \.decayShare, 0...1, "wsd: the part of the run, at its end, in which the rate falls."),
        .real(
            "preference-beta", .training, \.preferenceBeta, 0...most,
            "dpo: how strongly the model is held to what it was, β. orpo: the weight of the preference beside the loss, λ."),
        .real("reward-margin", .training, \.rewardMargin, 0...most, "reward: how far apart the two answers' numbers are to be."),
        .text(
            "precision", .training, \.precision,
            "Formats of forward and backward: a preset, a format or a policy file; empty: fp32, or what the workbench is in. Trained weights, sums of gradients and the optimizer stay in fp32; each pass reads the weights rounded."
        ),
        .text(
            "quirk", .training, \.quirks,
            "Published mistakes that are on, by name (mica quirks lists them), separated by commas; empty: none, or those of the workbench."
        ),
    ]

    private static let optimizer: [Setting] = [
        .choice("optimizer", .optimizer, \.optimizer, "adamw, adamw8bit (its moments in eight bits), or sgd."),
        .real("beta1", .optimizer, \.beta1, 0...0.999999, "How much of the mean gradient stays at a step."),
        .real("beta2", .optimizer, \.beta2, 0...0.9999999, "How much of the mean squared gradient stays at a step."),
        .real("eps", .optimizer, \.eps, 0...1, "Added to the root of the mean squared gradient."),
        .real("weight-decay", .optimizer, \.weightDecay, 0...most, "How fast weights are pulled to zero, times the rate."),
        .real("momentum", .optimizer, \.momentum, 0...0.999999, "sgd: how much of the last update stays."),
        .real("max-grad-norm", .optimizer, \.maxGradNorm, 0...most, "Gradients longer than this are shortened to it; 0: never."),
    ]

    private static let weights: [Setting] = [
        .integer("rank", .weights, \.rank, 1...65536, "Rows of an adapter's A, columns of its B."),
        .real("alpha", .weights, \.alpha, 0...most, "The adapter's product is scaled by alpha / rank."),
        .real("lora-dropout", .weights, \.loraDropout, 0...0.99, "The part of an adapter's input that is left out at random."),
        .flag("rslora", .weights, \.rslora, "Scale by alpha / √rank instead."),
        .text("targets", .weights, \.targets, "Modules that get an adapter, separated by commas; all-linear: every matrix but the head."),
        .text("adapter", .weights, \.adapter, "A folder in PEFT's format from which the adapter starts; it brings its own rank and alpha."),
        .real(
            "embedding-ratio", .weights, \.embeddingRatio, 0...1,
            "With an adapter: embeddings and head are trained too, at this part of the rate; 0: they are frozen. With full: their part of the rate, 0 for all of it."
        ),
        .text("freeze", .weights, \.freeze, "Layers that stay as they are, as in 0-3,7."),
        .flag(
            "fused-loss", .weights, \.fusedLoss,
            "Where the head is frozen: head and loss in one, so that the logits, the largest value of a pass, are never held."),
        .choice(
            "checkpointing", .weights, \.checkpointing,
            "What waits for the reverse walk: all (none), each layer's residual (layer), every √L-th (sqrt), products and residuals (light); "
                + "the rest is computed again, and large frozen weights are not held beside it but read from their file."),
    ]

    private static let run: [Setting] = [
        .integer("save-every", .run, \.saveEvery, 0...Int.max, "Steps between two checkpoints; 0: only at the end."),
        .integer("keep", .run, \.keep, 1...Int.max, "Checkpoints that are kept; older ones are removed."),
        .integer("sample-every", .run, \.sampleEvery, 0...Int.max, "Steps between two texts that the model writes; 0: none."),
        .text("sample-prompt", .run, \.samplePrompt, "What such a text begins with."),
        .real(
            "stop-spike", .run, \.stopSpike, 0...most,
            "Stop before the update if the loss is this many deviations above its mean; 0: never."),
        .integer(
            "stop-plateau", .run, \.stopPlateau, 0...Int.max,
            "Stop if the mean loss of so many steps is not below that of as many before; 0: never."),
    ]
}
