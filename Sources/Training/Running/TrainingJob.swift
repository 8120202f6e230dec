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
    package let policy: Policy
    /// Whether head and loss can be one op: nothing about the head is trained.
    let canFuse: Bool
    /// Steps of the whole run.
    package let steps: Int

    package init(model: Model, settings: TrainingSettings, data path: String, policy: Policy) throws {
        let (model, settings) = try AdapterStart.model(model, settings, policy: policy)
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
        canFuse = try settings.fusedLoss && model.objective == .next && !Parameter.hasHead(model, Set(parameters.map(\.name)))
        steps = settings.plannedSteps(perEpoch: BatchLoader(data, settings.data(context: model.settings.context)).stepsPerEpoch)
    }

    private static func load(_ path: String, _ model: Model, _ settings: TrainingSettings) throws(DataError) -> Dataset {
        try Dataset.load(
            path, tokenizer: model.tokenizer, vocabulary: model.settings.vocabulary,
            settings: settings.data(context: model.settings.context))
    }

    package var schedule: Schedule { Schedule(settings, steps: steps) }
    package var dataSettings: DataSettings { settings.data(context: model.settings.context) }
    var trained: Set<String> { Set(parameters.map(\.name)) }
}
