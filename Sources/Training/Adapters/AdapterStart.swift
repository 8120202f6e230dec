import Foundation
import Engine
import Models
import Tensors

/// Gives a model the adapter that a finetune begins with, read from a folder or new, and the heads that are trained beside its own.
enum AdapterStart {
    static func model(_ model: Model, _ settings: TrainingSettings, policy: Policy) throws -> (Model, TrainingSettings) {
        var (model, settings) = try adapted(model, settings, policy: policy)
        if settings.heads > 0 { try FutureHeads.begin(&model, count: settings.heads, settings.method) }
        return (model, settings)
    }

    private static func adapted(_ model: Model, _ settings: TrainingSettings, policy: Policy) throws -> (Model, TrainingSettings) {
        guard settings.method.isAdapter else {
            if !settings.adapter.isEmpty { throw SettingError(rule: "--adapter needs --method lora or qlora") }
            return (model, settings)
        }
        var (model, settings) = (model, settings)
        if settings.method == .qlora { try FourBitBase.pack(&model, threads: policy.threads) }
        if settings.method == .reward { try score(&model) }
        if settings.adapter.isEmpty {
            try begin(&model, settings)
        } else {
            let adapter = try PEFTAdapter(path: settings.adapter)
            try adapter.attach(to: &model)
            model.adapter?.dropout = settings.loraDropout
            settings.rslora = adapter.lowRank.rankStabilised
            settings.alpha = adapter.lowRank.alpha
            settings.rank = adapter.lowRank.ranks.values.max() ?? settings.rank
        }
        return (model, settings)
    }

    /// A reward begins as 0 for every text, so that the first loss is softplus(margin).
    private static func score(_ model: inout Model) throws {
        model.objective = .reward
        model.replacements[Objective.score] = try Tensor(Shape((.output, 1), (.input, model.settings.hidden))) { $0.update(repeating: 0) }
    }

    /// A is uniform in ±1/√input (Kaiming's bound for a = √5, as PEFT has it), B is 0: the adapter begins as nothing.
    private static func begin(_ model: inout Model, _ settings: TrainingSettings) throws {
        let names = try modules(of: model, settings)
        model.adapter = LowRank(
            ranks: Dictionary(uniqueKeysWithValues: names.map { ($0, settings.rank) }), alpha: settings.alpha,
            rankStabilised: settings.rslora, dropout: settings.loraDropout)
        let program = try model.program(Pass(tokens: 2))
        for id in program.weights where Parameter.isAdapter(program.values[id].name) {
            let value = program.values[id]
            let bound = 1 / Double(value.shape.rowLength).squareRoot()
            var random = SplitMix64(state: Dropout(rate: 0, name: value.name).stream ^ UInt64(max(0, settings.seed)))
            let isA = value.name.hasSuffix(".lora_A.weight")
            model.replacements[value.name] = try Tensor(value.shape) { out in
                for i in out.indices { out[i] = isA ? Float((2 * Double(random.next() >> 11) * 0x1p-53 - 1) * bound) : 0 }
            }
        }
    }

    /// Modules with a matrix that the settings name.
    private static func modules(of model: Model, _ settings: TrainingSettings) throws -> [String] {
        let program = try model.program(Pass(tokens: 2))
        let frozen = try FrozenLayers(settings.freeze, layers: program.layerCount)
        let linear = program.steps.filter { $0.op is Linear }.map { program.values[$0.output] }
        let wanted = settings.targets.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        for target in wanted where target != "all-linear" && !linear.contains(where: { isModule($0.name, target) }) {
            let known = Set(linear.compactMap { $0.name.split(separator: ".").last.map(String.init) }).sorted()
            throw SettingError(rule: "--targets: no matrix is called '\(target.prefix(40))'; there are \(known.joined(separator: ", "))")
        }
        let names = linear.filter { value in
            if let layer = value.layer, frozen.contains(layer) { return false }
            if wanted.contains("all-linear") && value.name != "lm_head" { return true }
            return wanted.contains { isModule(value.name, $0) }
        }.map(\.name)
        if names.isEmpty { throw SettingError(rule: "no module is left for an adapter; name some with --targets") }
        return names
    }

    /// A target is a module's path or the end of it, as in PEFT.
    private static func isModule(_ name: String, _ target: String) -> Bool { name == target || name.hasSuffix(".\(target)") }
}
