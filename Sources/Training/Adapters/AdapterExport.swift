import Checkpoints
import Engine
import Models
import StrictJSON
import Tensors

/// Writes an adapter as PEFT reads it.
package enum AdapterExport {
    /// Returns the names of the files.
    static func write(_ model: Model, parameters: [Parameter], settings: TrainingSettings, to folder: String) throws -> [String] {
        guard let adapter = model.adapter else { return [] }
        let program = try model.program(Pass(tokens: 2))
        // Also parts of layers that are frozen belong to it.
        let names = program.weights.map { program.values[$0].name }.filter { name in
            Parameter.isAdapter(name) || (parameters.contains { $0.name == name } && !Objective.isFutureHead(name))
        }
        let plans = try names.map { TensorPlan(PEFTAdapter.prefix + $0, .f32, try model.weight($0).shape.counts) }
        var writer = try SafetensorsWriter(path: "\(folder)/\(PEFTAdapter.weightsName)", tensors: plans, metadata: [("format", "pt")])
        for name in names { try writer.write(PEFTAdapter.prefix + name, model.weight(name)) }
        try writer.finish()
        let whole = names.filter { !Parameter.isAdapter($0) }.compactMap(AdapterExport.lastModule)
        let json = config(model, adapter, whole: whole, program: program)
        try WholeFile.write(Array((json.line + "\n").utf8), to: "\(folder)/\(PEFTAdapter.configName)", as: PEFTAdapter.configName)
        return [PEFTAdapter.weightsName, PEFTAdapter.configName]
    }

    /// `model.embed_tokens.weight` → `embed_tokens`
    private static func lastModule(_ weight: String) -> String? { weight.split(separator: ".").dropLast().last.map(String.init) }

    private static func config(_ model: Model, _ adapter: LowRank, whole: [String], program: Program) -> JSONValue {
        let ranks = Set(adapter.ranks.values).sorted()
        let common = ranks.first ?? 1
        let others = adapter.ranks.filter { $0.value != common }.sorted { $0.key < $1.key }
        return .object([
            ("peft_type", .string("LORA")), ("task_type", .string(model.objective == .reward ? "SEQ_CLS" : "CAUSAL_LM")),
            ("base_model_name_or_path", .string(model.path)),
            ("r", .integer(common)), ("lora_alpha", .real(adapter.alpha)), ("lora_dropout", .real(adapter.dropout)),
            ("use_rslora", .bool(adapter.rankStabilised)), ("bias", .string("none")), ("inference_mode", .bool(true)),
            // GPT-2 stores its matrices transposed (Conv1D).
            ("fan_in_fan_out", .bool(isTransposed(program))),
            ("target_modules", .array(targets(adapter, program).map { .string($0) })),
            ("rank_pattern", .object(others.map { ($0.key, .integer($0.value)) })), ("alpha_pattern", .object([])),
            ("modules_to_save", whole.isEmpty ? .null : .array(whole.map { .string($0) })), ("init_lora_weights", .bool(true)),
        ])
    }

    private static func isTransposed(_ program: Program) -> Bool {
        program.steps.contains { step in
            guard let linear = step.op as? Linear else { return false }
            return linear.transposed && program.values[step.output].name.hasSuffix(".base_layer")
        }
    }

    /// The last parts of the modules' paths where these mean the adapter's modules alone, else the whole paths.
    private static func targets(_ adapter: LowRank, _ program: Program) -> [String] {
        let last = Set(adapter.ranks.keys.compactMap { $0.split(separator: ".").last.map(String.init) })
        let named = program.steps.filter { $0.op is Linear }.map { program.values[$0.output].name }
            .map { $0.hasSuffix(".base_layer") ? String($0.dropLast(11)) : $0 }
            .filter { name in last.contains { name == $0 || name.hasSuffix(".\($0)") } }
        return Set(named) == Set(adapter.ranks.keys) ? last.sorted() : adapter.ranks.keys.sorted()
    }
}
