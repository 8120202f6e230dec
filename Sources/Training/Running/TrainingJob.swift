import Checkpoints
import Engine
import Models
import Tensors

/// What a finetune is: a model, data, settings. Nothing of it changes while it runs.
package struct TrainingJob: Sendable {
    /// With its adapter, if there is one.
    package let model: Model
    package let settings: TrainingSettings
    package let parameters: [Parameter]
    package let data: Dataset
    package let validation: Dataset?
    /// Of forward and backward.
    package let policy: Policy
    /// Whether head and loss can be one op: nothing about the head is trained.
    let canFuse: Bool
    /// Steps of the whole run.
    package let steps: Int

    package init(model: Model, settings: TrainingSettings, data path: String, policy: Policy) throws {
        let policy = Policy(rules: try Policy.rules(written: settings.precision), threads: policy.threads)
        var (model, settings) = try AdapterStart.model(model.with(quirks: settings.quirkNames), settings, policy: policy)
        if model.readsInPart { throw SettingError(rule: "a finetune cannot have head-dim-derived: weights of such sizes fit no file") }
        if model.averagesMeans { settings.denominator = .means }
        self.model = model
        self.settings = settings
        self.policy = policy
        parameters = try Parameter.all(of: model, settings)
        if parameters.isEmpty { throw SettingError(rule: "nothing is left to train; freeze fewer layers or choose other targets") }
        data = try TrainingJob.load(path, model, settings)
        if (data.kind == .preference) != settings.method.isPreference {
            let wanted = settings.method.isPreference ? "rows with prompt, chosen and rejected" : "text, messages, completions or ids"
            throw SettingError(rule: "--method \(settings.method.rawValue) needs \(wanted); \(path) has \(data.kind.rows)")
        }
        validation = try settings.validation.isEmpty ? nil : TrainingJob.load(settings.validation, model, settings)
        // Head and loss in one have no logits that could be rounded.
        canFuse =
            try settings.fusedLoss && policy.rules.isEmpty && model.objective == .next
            && !Parameter.hasHead(model, Set(parameters.map(\.name)))
        steps = settings.plannedSteps(perEpoch: BatchLoader(data, settings.data(context: model.settings.context)).stepsPerEpoch)
    }

    private static func load(_ path: String, _ model: Model, _ settings: TrainingSettings) throws(DataError) -> Dataset {
        try Dataset.load(
            path, tokenizer: model.tokenizer, vocabulary: model.settings.vocabulary,
            settings: settings.data(context: model.settings.context), readings: model.readings)
    }

    /// Of updates: weights and moments are kept in fp32 whatever the passes are in, as mixed precision has it (Micikevicius et al. 2018,
    /// arXiv:1710.03740, section 3.1), since an update is often less than half a unit in a narrow weight's last place.
    var updatePolicy: Policy { Policy(threads: policy.threads) }
    package var schedule: Schedule { Schedule(settings, steps: steps) }
    /// What makes this run another than one would expect.
    package var warnings: [String] {
        let formats = policy.rules.isEmpty ? [] : ["forward and backward are in \(policy.title); weights and updates are in fp32"]
        let quirks = model.quirks.map { "quirk \($0.name): \($0.title)" }
        let means = "the loss is the mean of micro-batches' means: short ones count more"
        return formats + quirks + (settings.denominator == .means ? [means] : [])
    }

    package var dataSettings: DataSettings { settings.data(context: model.settings.context) }
    var trained: Set<String> { Set(parameters.map(\.name)) }
}
