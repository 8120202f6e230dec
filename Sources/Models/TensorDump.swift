import Checkpoints
import Engine
import Tensors

/// A safetensors file of named values: what PyTorch's hooks kept of a run, or what `mica trace` wrote. Tensors stay in the file.
package struct TensorDump: Sendable {
    package let path: String
    package let named: NamedTensors
    /// The tokens that were run, if the file says so: a tensor `input_ids`, or metadata of that name.
    package let ids: [Int]?

    package init(path: String) throws(CheckpointError) {
        let file = try SafetensorsFile(path: path)
        self.path = path
        named = NamedTensors(title: path, file.entries.map { ($0.name, file.tensor($0)) })
        ids = TensorDump.ids(in: file)
    }

    private static func ids(in file: SafetensorsFile) -> [Int]? {
        if let entry = file["input_ids"], entry.elementCount <= 1 << 20 {
            return file.tensor(entry).doubles().compactMap { Int(exactly: $0) }
        }
        guard let text = file.metadata.first(where: { $0.key == "input_ids" })?.value else { return nil }
        let words = text.split(separator: ",")
        let ids = words.compactMap { Int($0) }
        return ids.count == words.count && !ids.isEmpty ? ids : nil
    }
}
