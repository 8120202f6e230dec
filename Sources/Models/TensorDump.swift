import Checkpoints
import Engine
import Tensors

/// A safetensors file of named values: what PyTorch's hooks kept of a run, or what `mica trace` wrote. Tensors stay in the file.
package struct TensorDump: Sendable {
    package let path: String
    package let named: NamedTensors
    /// In which of the 16-bit formats the run computed, by the elements of most of its tensors or, where those are fp32, by the numbers in
    /// them: NumPy has no bf16, so hooks often widen. Nil: neither.
    package var format: NumberFormat? {
        let tensors = named.names.compactMap { named.tensors[$0] }.filter { $0.type.isFloat && $0.shape.rank > 1 && $0.elementCount > 0 }
        let sample = stride(from: 0, to: tensors.count, by: max(1, tensors.count / TensorDump.sampled)).map { tensors[$0].narrowestFormat }
        return [NumberFormat.bf16, .fp16].first { format in 2 * sample.count { $0 == format } > sample.count }
    }

    private static let sampled = 12

    /// The tokens that were run, if the file says so: a tensor `input_ids`, or metadata of that name.
    package let ids: [Int]?

    package init(path: String) throws(CheckpointError) {
        let file = try SafetensorsFile(path: path)
        self.path = path
        named = NamedTensors(title: path, file.entries.map { ($0.name, file.tensor($0)) })
        ids = try TensorDump.ids(in: file)
    }

    private static func ids(in file: SafetensorsFile) throws(CheckpointError) -> [Int]? {
        if let entry = file["input_ids"] { return try ids(file.tensor(entry), path: file.path) }
        guard let text = file.metadata.first(where: { $0.key == "input_ids" })?.value else { return nil }
        let words = text.split(separator: ",")
        let ids = words.compactMap { Int($0) }
        return ids.count == words.count && !ids.isEmpty ? ids : nil
    }

    private static func ids(_ tensor: Tensor, path: String) throws(CheckpointError) -> [Int] {
        func refused(_ rule: String) -> CheckpointError {
            CheckpointError(path, SafetensorsHeader.format, "input_ids \(tensor.shape): \(rule)", next: "Keep the tokens of one text.")
        }
        let texts = tensor.shape.counts.dropLast().reduce(1, *)
        guard texts <= 1 else { throw refused("a batch of \(texts) texts, and one is compared") }
        guard 1...1 << 20 ~= tensor.elementCount else { throw refused("\(tensor.elementCount) tokens; 1 to \(1 << 20) are compared") }
        let numbers = tensor.doubles()
        let ids = numbers.compactMap { Int(exactly: $0) }
        guard ids.count == numbers.count else { throw refused("not whole numbers") }
        return ids
    }
}
