import ArgumentParser
import Training

/// The settings of a finetune as options: one an entry of the catalogue, which has its meaning, its default and its range. A test holds
/// the two against each other.
struct FinetuneOptions: ParsableArguments {
    @Option(name: .customLong("sequence-length"), help: help("sequence-length"))
    var sequenceLength: String?
    @Option(name: .customLong("batch-size"), help: help("batch-size"))
    var batchSize: String?
    @Option(name: .customLong("accumulation"), help: help("accumulation"))
    var accumulation: String?
    @Option(name: .customLong("denominator"), help: help("denominator"))
    var denominator: String?
    @Flag(name: .customLong("packing"), inversion: .prefixedNo, help: help("packing"))
    var packing: Bool?
    @Option(name: .customLong("loss-on"), help: help("loss-on"))
    var lossOn: String?
    @Option(name: .customLong("too-long"), help: help("too-long"))
    var tooLong: String?
    @Flag(name: .customLong("shuffle"), inversion: .prefixedNo, help: help("shuffle"))
    var shuffle: Bool?
    @Option(name: .customLong("seed"), help: help("seed"))
    var seed: String?
    @Option(name: .customLong("validation"), help: help("validation"))
    var validation: String?
    @Option(name: .customLong("validate-every"), help: help("validate-every"))
    var validateEvery: String?
    @Option(name: .customLong("method"), help: help("method"))
    var method: String?
    @Option(name: .customLong("heads"), help: help("heads"))
    var heads: String?
    @Option(name: .customLong("steps"), help: help("steps"))
    var steps: String?
    @Option(name: .customLong("epochs"), help: help("epochs"))
    var epochs: String?
    @Option(name: .customLong("lr"), help: help("lr"))
    var lr: String?
    @Option(name: .customLong("schedule"), help: help("schedule"))
    var schedule: String?
    @Option(name: .customLong("warmup"), help: help("warmup"))
    var warmup: String?
    @Option(name: .customLong("min-ratio"), help: help("min-ratio"))
    var minRatio: String?
    @Option(name: .customLong("decay-share"), help: help("decay-share"))
    var decayShare: String?
    @Option(name: .customLong("preference-beta"), help: help("preference-beta"))
    var preferenceBeta: String?
    @Option(name: .customLong("reward-margin"), help: help("reward-margin"))
    var rewardMargin: String?
    @Option(name: .customLong("precision"), help: help("precision"))
    var precision: String?
    @Option(name: .customLong("quirk"), help: help("quirk"))
    var quirk: [String] = []
    @Option(name: .customLong("optimizer"), help: help("optimizer"))
    var optimizer: String?
    @Option(name: .customLong("beta1"), help: help("beta1"))
    var beta1: String?
    @Option(name: .customLong("beta2"), help: help("beta2"))
    var beta2: String?
    @Option(name: .customLong("eps"), help: help("eps"))
    var eps: String?
    @Option(name: .customLong("weight-decay"), help: help("weight-decay"))
    var weightDecay: String?
    @Option(name: .customLong("momentum"), help: help("momentum"))
    var momentum: String?
    @Option(name: .customLong("max-grad-norm"), help: help("max-grad-norm"))
    var maxGradNorm: String?
    @Option(name: .customLong("rank"), help: help("rank"))
    var rank: String?
    @Option(name: .customLong("alpha"), help: help("alpha"))
    var alpha: String?
    @Option(name: .customLong("lora-dropout"), help: help("lora-dropout"))
    var loraDropout: String?
    @Flag(name: .customLong("rslora"), inversion: .prefixedNo, help: help("rslora"))
    var rslora: Bool?
    @Option(name: .customLong("targets"), help: help("targets"))
    var targets: String?
    @Option(name: .customLong("adapter"), help: help("adapter"))
    var adapter: String?
    @Option(name: .customLong("embedding-ratio"), help: help("embedding-ratio"))
    var embeddingRatio: String?
    @Option(name: .customLong("freeze"), help: help("freeze"))
    var freeze: String?
    @Flag(name: .customLong("fused-loss"), inversion: .prefixedNo, help: help("fused-loss"))
    var fusedLoss: Bool?
    @Option(name: .customLong("checkpointing"), help: help("checkpointing"))
    var checkpointing: String?
    @Option(name: .customLong("save-every"), help: help("save-every"))
    var saveEvery: String?
    @Option(name: .customLong("keep"), help: help("keep"))
    var keep: String?
    @Option(name: .customLong("sample-every"), help: help("sample-every"))
    var sampleEvery: String?
    @Option(name: .customLong("sample-prompt"), help: help("sample-prompt"))
    var samplePrompt: String?
    @Option(name: .customLong("stop-spike"), help: help("stop-spike"))
    var stopSpike: String?
    @Option(name: .customLong("stop-plateau"), help: help("stop-plateau"))
    var stopPlateau: String?

    /// What was given, by the settings' names.
    var given: [String: String] {
        var given: [String: String] = [:]
        for child in Mirror(reflecting: self).children {
            let name = FinetuneOptions.settingName(child.label ?? "")
            switch child.value {
            case let option as Option<String?>: given[name] = option.wrappedValue
            case let list as Option<[String]>:
                if !list.wrappedValue.isEmpty { given[name] = list.wrappedValue.joined(separator: ",") }
            case let flag as Flag<Bool?>: given[name] = flag.wrappedValue.map { $0 ? "on" : "off" }
            default: continue
            }
        }
        return given
    }

    /// The names of all options here.
    static var names: [String] { Mirror(reflecting: FinetuneOptions()).children.map { settingName($0.label ?? "") } }

    /// `_maxGradNorm` → `max-grad-norm`
    private static func settingName(_ property: String) -> String {
        property.drop { $0 == "_" }.reduce(into: "") { $0 += $1.isUppercase ? "-\($1.lowercased())" : "\($1)" }
    }

    /// Given options over `settings`.
    func settings(over base: TrainingSettings = TrainingSettings()) throws -> TrainingSettings {
        var settings = base
        let given = given
        for setting in Setting.all {
            if let text = given[setting.name] { try setting.set(text, in: &settings) }
        }
        return settings
    }

    private static func help(_ name: String) -> ArgumentHelp {
        guard let setting = Setting.find(name) else { return "" }
        let standard = setting.standard.isEmpty ? "" : " (default: \(setting.standard))"
        return ArgumentHelp("\(setting.help)\(standard)", valueName: setting.form.placeholder)
    }
}
