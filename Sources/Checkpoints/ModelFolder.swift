import Foundation
import StrictJSON
import Tensors

/// The files of a model folder, by their roles.
package struct ModelFolder: Sendable {
    /// What the text of a model is cut by.
    package enum Tokenizer: Sendable, Equatable {
        /// tokenizer.json, at this path.
        case json(path: String)
        /// Only a file that is not read here: `tokenizer.model`, `vocab.json`.
        case other(name: String)
        case none
    }

    package let path: String

    package init(path: String) throws(CheckpointError) {
        var status = stat()
        guard !path.utf8.contains(0), stat(path, &status) == 0 else {
            throw CheckpointError(path, "model folder", FileError(path: path, code: errno))
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw CheckpointError(path, "model folder", "is not a folder", next: "Give the folder that holds config.json.")
        }
        self.path = path
    }

    package func config() throws(CheckpointError) -> ConfigFile {
        if !InputFile.exists("config.json", in: path) {
            let next = "A model folder has config.json beside its weights; download it into the same folder."
            throw CheckpointError(path, "model folder", "no config.json in the folder", next: next)
        }
        return try ConfigFile("config.json", in: path)
    }

    /// Defaults of sampling, where the folder has them.
    package func generationConfig() throws(CheckpointError) -> ConfigFile? { try optional("generation_config.json") }

    /// What belongs to the tokenizer but does not stand in tokenizer.json: the chat template, which ids a prompt begins with.
    package func tokenizerConfig() throws(CheckpointError) -> ConfigFile? { try optional("tokenizer_config.json") }

    package func weights() throws(CheckpointError) -> Checkpoint { try Checkpoint(path: path) }

    package func tokenizer() throws(CheckpointError) -> Tokenizer {
        if InputFile.exists("tokenizer.json", in: path) {
            _ = try InputFile.resolve("tokenizer.json", in: path, as: "tokenizer.json")
            return .json(path: InputFile.join(path, "tokenizer.json"))
        }
        let others = ["tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json"]
        return others.first { InputFile.exists($0, in: path) }.map { .other(name: $0) } ?? .none
    }

    private func optional(_ name: String) throws(CheckpointError) -> ConfigFile? {
        InputFile.exists(name, in: path) ? try ConfigFile(name, in: path) : nil
    }
}
