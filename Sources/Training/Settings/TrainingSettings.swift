import Engine
import Foundation
import Models

/// Everything that a finetune is told; the catalogue (`Setting.all`) says what each means and keeps it in its range.
package struct TrainingSettings: Sendable, Equatable {
    package enum Method: String, Sendable, CaseIterable {
        /// Every weight is trained.
        case full
        /// The weights are frozen; low-rank matrices beside them are trained.
        case lora
        /// As `lora`, beside weights that are rounded to four bits.
        case qlora
        /// As `lora`, on pairs of answers: direct preference optimisation.
        case dpo
        /// As `lora`, on pairs of answers: odds ratio preference optimisation.
        case orpo
        /// As `lora`, on pairs of answers: a number for each text, larger for the better one.
        case reward

        package var isAdapter: Bool { self != .full }
        /// Whether it learns from pairs of answers.
        package var isPreference: Bool { self == .dpo || self == .orpo || self == .reward }
    }

    package enum ScheduleKind: String, Sendable, CaseIterable { case constant, linear, cosine, wsd }

    package enum OptimizerKind: String, Sendable, CaseIterable {
        case adamw
        /// AdamW whose moments are held in eight bits.
        case adamw8bit
        case sgd
    }

    /// What the loss of a step is divided by.
    package enum Denominator: String, Sendable, CaseIterable {
        /// The tokens that count in the whole step.
        case tokens
        /// The mean of the micro-batches' own means: wrong wherever these have different numbers of tokens, and common.
        case means
    }

    // Data
    package var sequenceLength = 0
    package var batchSize = 4
    package var accumulation = 1
    package var denominator = Denominator.tokens
    package var packing = false
    package var lossOn = DataSettings.Loss.assistant
    package var tooLong = DataSettings.TooLong.skip
    package var shuffle = true
    package var seed = 0
    package var validation = ""
    package var validateEvery = 0

    // Length and learning rate
    package var method = Method.lora
    package var heads = 0
    package var steps = 0
    package var epochs = 1.0
    package var lr = 2e-4
    package var schedule = ScheduleKind.linear
    package var warmup = 0
    package var minRatio = 0.0
    package var decayShare = 0.2
    package var preferenceBeta = 0.1
    package var rewardMargin = 0.0
    /// A preset, or the rules of a policy; empty: fp32.
    package var precision = ""
    /// Names of quirks, separated by commas.
    package var quirks = ""

    // Optimizer
    package var optimizer = OptimizerKind.adamw
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var eps = 1e-8
    package var weightDecay = 0.0
    package var momentum = 0.0
    package var maxGradNorm = 1.0

    // What is trained
    package var rank = 16
    package var alpha = 32.0
    package var loraDropout = 0.0
    package var rslora = false
    package var targets = "all-linear"
    package var adapter = ""
    package var embeddingRatio = 0.0
    package var freeze = ""
    package var fusedLoss = true
    package var checkpointing = Checkpointing.none

    // Run
    package var saveEvery = 0
    package var keep = 3
    package var sampleEvery = 0
    package var samplePrompt = ""
    package var stopSpike = 0.0
    package var stopPlateau = 0

    package init() {}

    /// How rows become batches; `context` is the model's.
    package func data(context: Int) -> DataSettings {
        var data = DataSettings(sequenceLength: sequenceLength > 0 ? min(sequenceLength, context) : context)
        data.loss = lossOn
        data.tooLong = tooLong
        data.packing = packing
        data.batchSize = batchSize
        data.accumulation = accumulation
        data.shuffle = shuffle
        data.seed = UInt64(max(0, seed))
        return data
    }

    /// With the rules of a policy file in the place of its name, so that a run does not depend on the file.
    package func readingPolicy() throws -> TrainingSettings {
        var settings = self
        guard !precision.isEmpty, Policy.Preset(rawValue: precision) == nil, !precision.contains(where: \.isNewline) else { return self }
        do {
            settings.precision = try Policy(named: precision, threads: 1).text
        } catch let error as UnknownPolicy {
            throw SettingError(rule: "--precision \(error)")
        }
        return settings
    }

    /// The quirks' names one by one.
    package var quirkNames: [String] {
        quirks.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// Optimizer steps of the whole run.
    package func plannedSteps(perEpoch: Int) -> Int {
        steps > 0 ? steps : max(1, Int((epochs * Double(max(1, perEpoch))).rounded(.up)))
    }
}
