import Checkpoints
import Engine
import Foundation
import Models
import StrictJSON
import Tensors

/// Writes a model as a Hugging Face folder: weights, settings, tokenizer.
package enum ModelExport {
    private static let companions = [
        "generation_config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja",
    ]
    private static let weights = "model.safetensors"

    /// - Parameters:
    ///   - format: of all floats; nil: trained weights as they were trained, the others as they lie in the file.
    /// - Returns: the names of the files.
    @discardableResult
    package static func write(_ model: Model, format: ElementType?, to folder: String) throws -> [String] {
        let names = try model.program(Pass(tokens: 2)).weightNames.filter {
            !Parameter.isAdapter($0) && !Objective.isFutureHead($0)
        }
        func type(_ tensor: Tensor) -> ElementType { format ?? (tensor.type == .nf4 ? .f32 : tensor.type) }
        let tensors = try names.map { (file: model.weightNames[$0] ?? $0, tensor: try model.weight($0)) }
        let plans = tensors.map { TensorPlan($0.file, type($0.tensor), $0.tensor.shape.counts) }
        var writer = try SafetensorsWriter(path: "\(folder)/\(weights)", tensors: plans, metadata: [("format", "pt")])
        for (name, tensor) in tensors {
            if type(tensor) == tensor.type {
                try writer.write(name, tensor)
            } else {
                let bytes = try Narrowing.bytes(of: tensor, as: type(tensor))
                try bytes.withUnsafeBytes { try writer.write(name, bytes: $0) }
            }
        }
        try writer.finish()
        return [weights] + (try copy(model, format: format ?? tensors.first.map { type($0.tensor) } ?? .f32, to: folder))
    }

    private static func copy(_ model: Model, format: ElementType, to folder: String) throws -> [String] {
        let config = try ConfigFile(path: "\(model.path)/config.json")
        let dtype = ["F32": "float32", "F16": "float16", "BF16": "bfloat16"][format.rawValue] ?? "float32"
        let keys = config.object.members.map(\.key)
        var members = config.object.members.map { ($0.key, ["dtype", "torch_dtype"].contains($0.key) ? .string(dtype) : $0.value) }
        if !keys.contains("dtype") && !keys.contains("torch_dtype") { members.append(("dtype", .string(dtype))) }
        try WholeFile.write(Array((JSONValue.object(members).line + "\n").utf8), to: "\(folder)/config.json", as: "config.json")
        var written = ["config.json"]
        for name in companions where access("\(model.path)/\(name)", F_OK) == 0 {
            try WholeFile.write(WholeFile.read("\(model.path)/\(name)", as: name, limit: 1 << 30), to: "\(folder)/\(name)", as: name)
            written.append(name)
        }
        return written
    }
}

extension Program {
    /// In the program's order.
    var weightNames: [String] { weights.map { values[$0].name } }
}

/// fp32 to 16 bits, to nearest even.
enum Narrowing {
    static func bytes(of tensor: Tensor, as type: ElementType) throws -> [UInt8] {
        let values = tensor.floats()
        switch type {
        case .f32: return values.withUnsafeBytes { Array($0) }
        case .bf16: return values.map(bf16).withUnsafeBytes { Array($0) }
        case .f16: return values.map { Float16($0).bitPattern }.withUnsafeBytes { Array($0) }
        default: throw SettingError(rule: "weights can be written as fp32, bf16 or fp16, not \(type.spokenName)")
        }
    }

    /// The upper half, rounded; a NaN stays one.
    static func bf16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
        return UInt16(truncatingIfNeeded: (bits &+ 0x7FFF &+ ((bits >> 16) & 1)) >> 16)
    }
}
