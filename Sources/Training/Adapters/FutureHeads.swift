import Checkpoints
import Engine
import Foundation
import Models
import Tensors

/// Heads that predict the tokens behind the next one (`Objective.future`): they are trained beside the model and lie in a file of their
/// own, so that the model's folder or the adapter is what other programs expect. Nothing but training uses them.
enum FutureHeads {
    static let file = "future_heads.safetensors"

    /// Each begins as the identity: what it says of its token is what the model says of the next.
    static func begin(_ model: inout Model, count: Int, _ method: TrainingSettings.Method) throws {
        if method.isPreference { throw SettingError(rule: "--heads goes with --method full, lora or qlora") }
        model.objective = .future(count)
        let width = model.settings.hidden
        for number in 1...count {
            model.replacements["\(Objective.futureHead(number)).weight"] = try Tensor(Shape((.output, width), (.input, width))) { out in
                for i in out.indices { out[i] = i / width == i % width ? 1 : 0 }
            }
        }
    }

    /// Returns the names of the files: one, or none without heads.
    static func write(_ model: Model, _ parameters: [Parameter], to folder: String) throws -> [String] {
        let heads = parameters.filter { Objective.isFutureHead($0.name) }
        if heads.isEmpty { return [] }
        var writer = try SafetensorsWriter(
            path: "\(folder)/\(file)", tensors: heads.map { TensorPlan($0.name, .f32, $0.shape.counts) }, metadata: [("format", "pt")])
        for head in heads { try writer.write(head.name, model.weight(head.name)) }
        try writer.finish()
        return [file]
    }

    static func tensor(_ name: String, in folder: String) throws -> Tensor? {
        let heads = try SafetensorsFile(path: "\(folder)/\(file)")
        return heads[name].map { heads.tensor($0) }
    }
}

extension BatchRow {
    /// What the losses of a pass over the first `count` tokens are measured against, by the names of the inputs.
    func targets(_ count: Int, of objective: Objective) throws -> [String: Tensor] {
        switch objective {
        case .next: return ["targets": try Tensor(ids: targets(count, further: 0))]
        // A reward has no labels: the last token counts alone.
        case .reward: return ["targets": try Tensor(ids: [Int32](repeating: maskedLabel, count: max(0, count - 1)) + [0])]
        case .future(let heads):
            return try (1...max(1, heads)).reduce(into: ["targets": try Tensor(ids: targets(count, further: 0))]) {
                $0["\(Objective.futureHead($1)).targets"] = try Tensor(ids: targets(count, further: $1))
            }
        }
    }

    /// Labels of the tokens so many places behind the next, where these are in the same document.
    func targets(_ count: Int, further: Int) -> [Int32] {
        (0..<count).map { token in
            let place = token + 1 + further
            return place < count && starts[place] == starts[token] ? labels[place] : maskedLabel
        }
    }
}
