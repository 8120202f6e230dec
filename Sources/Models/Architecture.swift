import Checkpoints
import Engine
import Tensors

/// One model family: who it is, which settings it means, how its weights are called, and its body. A file in Architectures/ and a line
/// in `all`.
package struct Architecture: Sendable {
    /// As people call it.
    package let name: String
    /// `model_type` in config.json.
    package let modelTypes: [String]
    /// Reads config.json; what it does not read and does not ignore is an error that names the key.
    package let settings: @Sendable (inout SettingsReader) throws(CheckpointError) -> ModelSettings
    package let weights: WeightMap
    /// The model in the block vocabulary of Blocks.swift; returns the logits [token, vocabulary].
    package let body: @Sendable (inout Graph, ModelSettings, Pass) -> Node

    package static let all: [Architecture] = [llama, gpt2, gemma, gemma2]

    package static func find(_ modelType: String) -> Architecture? { all.first { $0.modelTypes.contains(modelType) } }
}

/// What every architecture knows of itself. Differences between architectures are arguments of blocks, not flags here.
package struct ModelSettings: Sendable {
    package var vocabulary: Int
    package var hidden: Int
    package var layers: Int
    package var heads: Int
    package var kvHeads: Int
    package var headDimension: Int
    package var intermediate: Int
    /// The longest text, in tokens.
    package var context: Int
    package var normEpsilon: Double
    package var activation: ElementFunction
    package var tied: Bool
    package var attentionBias = false
    package var mlpBias = false
    package var rope: RopeSettings?
    /// Scores are divided by the square root of this; a head's dimensions if the configuration says nothing else.
    package var scoreDivisor: Double?
    /// What scores and logits do not pass; 0: no cap.
    package var scoreCap = 0.0
    package var logitCap = 0.0
    /// How many keys a query sees, itself included, one a layer; 0: all.
    package var windows: [Int] = []

    /// Of a layer; 0: no limit.
    package func window(_ layer: Int) -> Int { windows.indices.contains(layer) ? windows[layer] : 0 }
    /// What scores are multiplied by.
    package var scoreScale: Double { 1 / (scoreDivisor ?? Double(headDimension)).squareRoot() }
}

/// The shape of one forward pass.
package struct Pass: Sendable, Hashable {
    package var tokens: Int
    /// Tokens whose keys and values lie in the cache.
    package var past: Int
    /// Whether keys and values are appended to a cache, so that a later pass can go on.
    package var caches: Bool
    /// Whether the next-token loss is wanted.
    package var loss: Bool
    /// Head and loss in one op that never holds the logits: for training, where nobody looks at them and the head is frozen.
    package var fusedLoss = false
    /// Whether several texts stand one after another that do not see each other.
    package var packed: Bool
    /// Whether the loss is this pass's share of a larger batch's.
    package var share: Bool

    package init(tokens: Int, past: Int = 0, caches: Bool = false, loss: Bool = true, packed: Bool = false, share: Bool = false) {
        self.tokens = tokens
        self.past = past
        self.caches = caches
        self.loss = loss
        self.packed = packed
        self.share = share
    }

    /// The input with the first key that each token may see.
    package static let firstKeys = "first_key"
    /// The input with the number of tokens that count in the whole batch.
    package static let batchTokens = "batch_tokens"

    /// The loss needs a next token.
    package var hasLoss: Bool { loss && tokens > 1 && past == 0 }
}

/// How a checkpoint's tensor names become the program's: the same, but for prefixes that some files leave out, and what may lie in a
/// file without being used.
package struct WeightMap: Sendable {
    /// Tried in turn: the program's name with the first replaced by the second.
    package let prefixes: [(program: String, file: String)]
    /// Tensors that are no parameters: masks and tables that old versions saved.
    package let unused: [NamePattern]

    package init(prefixes: [(program: String, file: String)] = [], unused: [String] = []) {
        self.prefixes = prefixes
        self.unused = unused.map { NamePattern($0) }
    }

    /// The names under which a program's weight may lie in a file.
    package func candidates(for name: String) -> [String] {
        [name] + prefixes.compactMap { name.hasPrefix($0.program) ? $0.file + name.dropFirst($0.program.count) : nil }
    }
}
