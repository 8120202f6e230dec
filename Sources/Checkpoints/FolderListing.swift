import Foundation
import Tensors

/// What lies in a folder that has neither model.safetensors nor an index: one other safetensors file serves, anything else is an error
/// that says what was found.
struct FolderListing {
    private let folder: String
    private let names: [String]

    init(_ folder: String) throws(CheckpointError) {
        self.folder = folder
        guard let directory = opendir(folder) else { throw CheckpointError(folder, "model folder", FileError(path: folder, code: errno)) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory), names.count < 100_000 {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) } }
            )
        }
        self.names = names.sorted()
    }

    func onlyWeightFile() throws(CheckpointError) -> String {
        let weights = names.filter { $0.hasSuffix(".safetensors") && !$0.hasPrefix(".") }
        if weights.contains("adapter_model.safetensors") {
            throw fault("only an adapter is here (adapter_model.safetensors)", next: "Open the model that it was trained on.")
        }
        if let shard = weights.first(where: { $0.contains("-of-") }) {
            throw fault(
                "\(CheckpointError.quoted(shard)) is a shard, but \(ShardIndex.fileName) is missing: download incomplete",
                next: "Download \(ShardIndex.fileName) into the same folder.")
        }
        if let name = weights.first, weights.count == 1 { return name }
        if weights.count > 1 {
            throw fault(
                "\(weights.count) safetensors files (\(list(weights))), none named model.safetensors", next: "Open one of the files itself."
            )
        }
        throw nothingToOpen()
    }

    /// Says which other file of weights was found, and why it is refused.
    private func nothingToOpen() -> CheckpointError {
        let suffixes = [
            ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".onnx", ".npz", ".zip", ".tar", ".keras", ".pt2", ".msgpack",
        ]
        let names = names.filter { !$0.contains("training_args") && !$0.contains("tokenizer") }
        for suffix in suffixes {
            guard let name = names.first(where: { $0.lowercased().hasSuffix(suffix) }), let found = refusal(of: name) else { continue }
            return fault("no safetensors weights, only \(CheckpointError.quoted(name)): \(found.rule)", next: found.nextStep)
        }
        let seen = names.filter { $0 != "." && $0 != ".." }
        return fault(
            seen.isEmpty ? "the folder is empty" : "no weights in the folder (found \(list(seen)))",
            next: "A model folder has model.safetensors, or shards with \(ShardIndex.fileName).")
    }

    private func refusal(of name: String) -> ForeignFormat? {
        let path = InputFile.join(folder, name)
        guard let file = try? MappedFile(path: path) else { return ForeignFormat.of(suffixOf: name) }
        return ForeignFormat.of(path: name, bytes: file.bytes)
    }

    private func list(_ names: [String]) -> String {
        names.prefix(5).map { CheckpointError.quoted($0) }.joined(separator: ", ") + (names.count > 5 ? ", …" : "")
    }

    private func fault(_ rule: String, next: String) -> CheckpointError { CheckpointError(folder, "model folder", rule, next: next) }
}
