import Checkpoints
import Engine
import Foundation
import StrictJSON
import Tensors

/// A LoRA adapter in PEFT's folder format: adapter_config.json and adapter_model.safetensors.
package struct PEFTAdapter: Sendable {
    package static let configName = "adapter_config.json"
    package static let weightsName = "adapter_model.safetensors"
    /// What PEFT puts before a module's path.
    package static let prefix = "base_model.model."

    package let path: String
    package let config: ConfigFile
    package let lowRank: LowRank
    /// A and B of each module, by the name that the program gives them.
    package let tensors: [String: Tensor]

    package init(path: String) throws(CheckpointError) {
        self.path = path
        config = try ConfigFile(path: "\(path)/\(PEFTAdapter.configName)", format: PEFTAdapter.configName)
        let file = try SafetensorsFile(path: "\(path)/\(PEFTAdapter.weightsName)")
        var tensors: [String: Tensor] = [:]
        for entry in file.entries {
            guard entry.name.hasPrefix(PEFTAdapter.prefix), entry.dimensions.count == 2, entry.type.isFloat else {
                throw CheckpointError(
                    path, PEFTAdapter.weightsName, "tensor \(CheckpointError.quoted(entry.name)) is no matrix of a LoRA adapter",
                    next: "Only LoRA beside linear modules can be read.")
            }
            tensors[String(entry.name.dropFirst(PEFTAdapter.prefix.count))] = file.tensor(entry)
        }
        self.tensors = tensors
        lowRank = try PEFTAdapter.lowRank(config, tensors)
    }

    private static func lowRank(_ config: ConfigFile, _ tensors: [String: Tensor]) throws(CheckpointError) -> LowRank {
        if config.object["peft_type"]?.string != "LORA" {
            throw config.fault("peft_type must be LORA", next: "Other kinds of adapters cannot be read.")
        }
        for key in ["use_dora", "use_qalora", "lora_bias", "use_bdlora"] where config.object[key]?.bool == true {
            throw config.fault("\(key) is on", next: "Only plain LoRA can be read.")
        }
        for key in ["alpha_pattern", "rank_pattern"] where config.object[key]?.object?.count ?? 0 > 0 && key == "alpha_pattern" {
            throw config.fault("\(key) is not empty", next: "Only one alpha for all modules can be read.")
        }
        guard let alpha = config.object["lora_alpha"]?.number?.double, alpha.isFinite else {
            throw config.fault("lora_alpha must be a number", next: "Correct the file.")
        }
        var ranks: [String: Int] = [:]
        for (name, tensor) in tensors where name.hasSuffix(".lora_A.weight") {
            ranks[String(name.dropLast(".lora_A.weight".count))] = tensor.shape[0]
        }
        if ranks.isEmpty { throw config.fault("the adapter has no matrices", next: "Check \(weightsName).") }
        return LowRank(ranks: ranks, alpha: alpha, rankStabilised: config.object["use_rslora"]?.bool ?? false)
    }

    /// Puts the adapter beside the model's matrices; throws if one of its parts has no place there.
    package func attach(to model: inout Model) throws {
        var changed = model
        changed.adapter = lowRank
        let program = try changed.program(Pass(tokens: 2))
        var places: [String: Shape] = [:]
        for id in program.weights where tensors[program.values[id].name] != nil {
            places[program.values[id].name] = program.values[id].shape
        }
        for (name, tensor) in tensors {
            guard let shape = places[name] else {
                throw CheckpointError(
                    path, PEFTAdapter.weightsName, "the model has no module for \(CheckpointError.quoted(name))",
                    next: "Was the adapter made for another model?")
            }
            guard shape.counts == tensor.shape.counts else {
                throw CheckpointError(
                    path, PEFTAdapter.weightsName, "\(CheckpointError.quoted(name)) is \(tensor.shape), the model wants \(shape)",
                    next: "Was the adapter made for another model?")
            }
            changed.replacements[name] = tensor
        }
        for id in program.weights where program.values[id].name.contains(".lora_") && tensors[program.values[id].name] == nil {
            throw CheckpointError(
                path, PEFTAdapter.weightsName, "\(program.values[id].name) is missing", next: "Was the adapter written completely?")
        }
        model = changed
    }
}
