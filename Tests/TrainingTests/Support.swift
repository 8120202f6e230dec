import Checkpoints
import Engine
import Foundation
import Models
import Tensors
import Testing

@testable import Training

/// A folder that goes with the test.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("mica-training-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, to name: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        return "\(path)/\(name)"
    }
}

/// A random checkpoint of a few thousand weights, and rows of ids to train it on.
struct Tiny {
    let scratch: Scratch
    let model: String
    let data: String

    enum Kind: String, CaseIterable { case llama, gpt2 }

    private static let configs: [Kind: String] = [
        .llama: """
        {"model_type": "llama", "vocab_size": 31, "hidden_size": 12, "intermediate_size": 20, "num_hidden_layers": 2,
         "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 32, "bos_token_id": 1, "eos_token_id": 2}
        """,
        .gpt2: """
        {"model_type": "gpt2", "vocab_size": 31, "n_embd": 12, "n_inner": 20, "n_layer": 2, "n_head": 2, "n_positions": 32,
         "bos_token_id": 1, "eos_token_id": 2}
        """,
    ]

    init(_ kind: Kind = .llama) throws {
        scratch = try Scratch()
        model = "\(scratch.path)/model"
        try FileManager.default.createDirectory(atPath: model, withIntermediateDirectories: true)
        let config = try scratch.write(try #require(Tiny.configs[kind]), to: "model/config.json")
        let reading = try ConfigReading(ConfigFile(path: config))
        var graph = Graph()
        _ = reading.architecture.body(&graph, reading.settings, Pass(tokens: 2))
        let program = try Program(graph)
        let plans = program.weights.map { TensorPlan(program.values[$0].name, .f32, program.values[$0].shape.counts) }
        var random = SplitMix64(state: 7)
        var writer = try SafetensorsWriter(path: "\(model)/model.safetensors", tensors: plans)
        for plan in plans {
            let isNorm = plan.dimensions.count == 1
            let values = (0..<plan.dimensions.reduce(1, *)).map { _ in
                let draw = Float(random.next() >> 40) / Float(1 << 24) - 0.5
                return isNorm ? 1 + 0.2 * draw : 1.2 * draw
            }
            try values.withUnsafeBytes { try writer.write(plan.name, bytes: $0) }
        }
        try writer.finish()
        let rows = [9, 12, 7, 10, 12, 5, 8, 11].map { length in
            "{\"input_ids\": [\((0..<length).map { _ in String(3 + random.below(28)) }.joined(separator: ", "))]}\n"
        }
        data = try scratch.write(rows.joined(), to: "data.jsonl")
    }

    func job(_ settings: TrainingSettings, threads: Int = 2, data path: String? = nil) throws -> TrainingJob {
        try TrainingJob(model: Model(path: model), settings: settings, data: path ?? data, policy: Policy(threads: threads))
    }

    func plan(_ settings: TrainingSettings) -> TrainingRun.Plan { TrainingRun.Plan(model: model, data: data, settings: settings) }

    var out: String { "\(scratch.path)/run" }
}

extension Trainer {
    /// Trains to the end; the loss of each step.
    mutating func losses() throws -> [Double] {
        var losses: [Double] = []
        while let report = try finishStep() { losses.append(report.loss) }
        return losses
    }

    /// The bits of everything that is trained.
    func bits() throws -> [String: [UInt32]] {
        var bits: [String: [UInt32]] = [:]
        for parameter in job.parameters { bits[parameter.name] = try model.weight(parameter.name).floats().map(\.bitPattern) }
        return bits
    }
}

extension TrainingSettings {
    /// From the settings' own names and texts.
    init(_ values: [String: String]) throws {
        self.init()
        for (name, text) in values { try #require(Setting.find(name), "\(name)").set(text, in: &self) }
    }
}
