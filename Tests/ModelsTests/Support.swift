import Checkpoints
import Engine
import Foundation
import Models
import StrictJSON
import Tensors
import Testing

/// The checkpoints that come with the source.
enum Sample: String, CaseIterable, Sendable {
    case llama = "fables-llama"
    case gpt2 = "fables-gpt2"
    case gemma2 = "fables-gemma2"

    private static var folder: URL { URL(fileURLWithPath: #filePath).deletingLastPathComponent() }

    var path: String { Sample.folder.appendingPathComponent("../../Samples/\(rawValue)").standardized.path }

    func model() throws -> Model { try Model(path: path) }

    /// What transformers computed (Golden/make_golden.py).
    func golden() throws -> JSONObject {
        let bytes = [UInt8](try Data(contentsOf: Sample.folder.appendingPathComponent("Golden/\(rawValue).json")))
        return try #require(try StrictJSON.parse(bytes).object)
    }

    /// What PyTorch computed (Golden/make_golden_gradients.py).
    func goldenGradients() throws -> JSONObject {
        let bytes = [UInt8](try Data(contentsOf: Sample.folder.appendingPathComponent("Golden/\(rawValue).gradients.json")))
        return try #require(try StrictJSON.parse(bytes).object)
    }

    /// The same elements of a walk in 16 bits.
    func narrowGradients() throws -> JSONObject {
        let bytes = [UInt8](try Data(contentsOf: Sample.folder.appendingPathComponent("Golden/\(rawValue).gradients.narrow.json")))
        return try #require(try StrictJSON.parse(bytes).object)
    }

    /// The same where PyTorch adds up in fp64 what is added up so here.
    func wideGradients() throws -> JSONObject {
        let bytes = [UInt8](try Data(contentsOf: Sample.folder.appendingPathComponent("Golden/\(rawValue).gradients.wide.json")))
        return try #require(try StrictJSON.parse(bytes).object)
    }

    /// What transformers computed in 16 bits (Golden/make_golden_formats.py).
    func formatGolden() throws -> JSONObject {
        let bytes = [UInt8](try Data(contentsOf: Sample.folder.appendingPathComponent("Golden/\(rawValue).formats.json")))
        return try #require(try StrictJSON.parse(bytes).object)
    }

    /// "When Mia and Tom went to the market, Tom gave a ring to"
    func promptIDs() throws -> [Int] { try #require(golden()["input_ids"]?.integers) }
}

extension JSONValue {
    var integers: [Int]? { array?.compactMap(\.integer) }
    var doubles: [Double]? { array?.compactMap { $0.number?.double } }
}

/// A folder that goes with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("mica-models-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A small random checkpoint of an architecture, written the way the hub has it.
struct TinyCheckpoint {
    let architecture: Architecture
    /// Members of config.json as JSON text.
    var config: [String: String]
    /// The tensors by their names in the file.
    var tensors: [String: [Int]]
    /// Rows of a tensor that are one number all over.
    var rows: [String: [Int: Float]] = [:]

    /// Sizes that no two axes share, so that a mistaken axis shows. An architecture whose keys are called otherwise has them here.
    private static let sizes: [String: String] = [
        "vocab_size": "37", "hidden_size": "24", "intermediate_size": "40", "num_hidden_layers": "3", "num_attention_heads": "4",
        "num_key_value_heads": "2", "max_position_embeddings": "32", "bos_token_id": "1", "eos_token_id": "2",
    ]
    private static let others: [String: [String: String]] = [
        "gpt2": [
            "vocab_size": "37", "n_embd": "24", "n_inner": "40", "n_layer": "3", "n_head": "4", "n_positions": "32", "bos_token_id": "1",
            "eos_token_id": "2",
        ]
    ]

    /// Keys beside the sizes. The windows are shorter than the texts, and the caps bend.
    private static let beside: [String: [String: String]] = [
        "gemma": ["head_dim": "10"],
        "gemma2": [
            "head_dim": "10", "sliding_window": "5", "query_pre_attn_scalar": "7", "attn_logit_softcapping": "2.5",
            "final_logit_softcapping": "6",
        ],
    ]

    init(_ architecture: Architecture) throws {
        let modelType = try #require(architecture.modelTypes.first)
        self.architecture = architecture
        config = TinyCheckpoint.others[modelType] ?? TinyCheckpoint.sizes
        config.merge(TinyCheckpoint.beside[modelType] ?? [:]) { $1 }
        config["model_type"] = "\"\(modelType)\""
        tensors = [:]
        let program = try TinyCheckpoint.reading(config).program(Pass(tokens: 5))
        for id in program.weights { tensors[program.values[id].name] = program.values[id].shape.counts }
    }

    static func reading(_ config: [String: String]) throws -> ConfigReading {
        let object = try #require(try StrictJSON.parse(Array(text(config).utf8)).object)
        return try ConfigReading(ConfigFile(path: "config.json", object: object))
    }

    private static func text(_ config: [String: String]) -> String {
        "{" + config.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }

    func write(to folder: TemporaryFolder, seed: UInt64 = 1) throws {
        try Data(TinyCheckpoint.text(config).utf8).write(to: URL(fileURLWithPath: folder.path + "/config.json"))
        let plans = tensors.sorted { $0.key < $1.key }.map { TensorPlan($0.key, .f32, $0.value) }
        var writer = try SafetensorsWriter(path: folder.path + "/model.safetensors", tensors: plans)
        var random = SplitMix(seed: seed)
        for plan in plans {
            let count = plan.dimensions.reduce(1, *)
            // Norms stay near their identity, matrices near unit gain.
            var values = (0..<count).map { _ in plan.dimensions.count == 1 ? 1 + 0.1 * random.centred() : 0.4 * random.centred() }
            for (row, value) in rows[plan.name] ?? [:] {
                let width = count / plan.dimensions[0]
                values.replaceSubrange(row * width..<(row + 1) * width, with: repeatElement(value, count: width))
            }
            try values.withUnsafeBytes { try writer.write(plan.name, bytes: $0) }
        }
        try writer.finish()
    }

    func model(seed: UInt64 = 1) throws -> Model {
        let folder = try TemporaryFolder()
        try write(to: folder, seed: seed)
        return try Model(path: folder.path)
    }

    /// What opening says is wrong.
    func complaint() -> String {
        do {
            _ = try model()
            return ""
        } catch { return "\(error)" }
    }
}

/// Numbers that look random and are the same every time.
struct SplitMix {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// In −1.7…1.7, with variance 1.
    mutating func centred() -> Float {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return (Float((z ^ (z >> 31)) >> 40) / Float(1 << 24) - 0.5) * 3.4641
    }
}

extension Model {
    /// A pass that has ended.
    func run(
        _ ids: [Int], threads: Int = 2, keep: Recording.Keep = .all(budget: .max), rules: [Policy.Rule] = [], backward: Bool = false
    ) throws -> Stepper {
        let leaves: ((Value) -> Bool)? = backward ? { $0.role == .weight } : nil
        var stepper = try stepper(ids: ids, leaves: leaves, policy: Policy(rules: rules, threads: threads), keep: keep)
        while !stepper.isFinished { try stepper.step() }
        return stepper
    }
}

extension Stepper {
    func floats(_ name: String) throws -> [Float] {
        let id = try #require(program.id(of: name), "\(name) is not a value")
        return try #require(try tensor(id), "\(name) has not run").floats()
    }

    /// The hash of every value that a step wrote, by name.
    var hashes: [String: UInt64] {
        var hashes: [String: UInt64] = [:]
        for step in program.steps { hashes[program.values[step.output].name] = statistics(step.output)?.hash }
        return hashes
    }
}
