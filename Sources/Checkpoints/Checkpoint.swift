import Foundation
import StrictJSON
import Tensors

/// The weights of a model: one file, or shards that an index joins. Opening reads tables only, so a model larger than memory opens
/// at once; a tensor's bytes are read when they are used.
package struct Checkpoint: Sendable {
    /// One entry a format; the last is assumed where none claims a file, and tells what is wrong with it.
    package static let readers: [any WeightFile.Type] = [SafetensorsFile.self]

    /// The folder or file that was opened.
    package let path: String
    package let files: [any WeightFile]
    /// What is odd but harmless.
    package let notes: [String]

    /// Opens a model folder, one file of weights, or an index with its shards.
    package init(path: String) throws(CheckpointError) {
        var status = stat()
        if path.isEmpty || path.utf8.contains(0) {
            throw CheckpointError(path, "model", "the path is empty or has a NUL byte", next: "Check the path.")
        }
        if stat(path, &status) != 0 { throw CheckpointError(path, "model", FileError(path: path, code: errno)) }
        if status.st_mode & S_IFMT == S_IFDIR {
            try self.init(folder: path)
        } else if path.hasSuffix(".json") {
            let (folder, name) = InputFile.split(path)
            try self.init(index: ShardIndex(name, in: folder), path: path, notes: [])
        } else {
            self.init(path: path, files: [try Checkpoint.open(path, shownAs: path)], notes: [])
        }
    }

    private init(path: String, files: [any WeightFile], notes: [String]) {
        self.path = path
        self.files = files
        self.notes = notes
    }

    private init(folder: String) throws(CheckpointError) {
        let index = ShardIndex.fileName
        if InputFile.exists("model.safetensors", in: folder) {
            let notes = InputFile.exists(index, in: folder) ? ["\(index) was ignored: model.safetensors is there"] : []
            try self.init(folder: folder, only: "model.safetensors", notes: notes)
        } else if InputFile.exists(index, in: folder) {
            try self.init(index: ShardIndex(index, in: folder), path: folder, notes: [])
        } else {
            let name = try FolderListing(folder).onlyWeightFile()
            try self.init(folder: folder, only: name, notes: ["there is no model.safetensors; \(CheckpointError.quoted(name)) was opened"])
        }
    }

    private init(folder: String, only name: String, notes: [String]) throws(CheckpointError) {
        let target = try InputFile.resolve(name, in: folder, as: SafetensorsFile.format)
        let file = try Checkpoint.open(target, shownAs: InputFile.join(folder, name))
        self.init(path: folder, files: [file], notes: notes)
    }

    private init(index: ShardIndex, path: String, notes: [String]) throws(CheckpointError) {
        var files: [any WeightFile] = []
        for shard in try index.presentShards() {
            let target = try InputFile.resolve(shard, in: index.folder, as: SafetensorsFile.format)
            files.append(try Checkpoint.open(target, shownAs: InputFile.join(index.folder, shard)))
        }
        self.init(path: path, files: files, notes: notes + (try index.check(files)))
    }

    private static func open(_ target: String, shownAs path: String) throws(CheckpointError) -> any WeightFile {
        let mapped = try InputFile.map(target, shownAs: path, as: SafetensorsFile.format)
        let reader = readers.first { $0.claims(name: path, bytes: mapped.bytes) } ?? SafetensorsFile.self
        return try reader.init(mapped, shownAs: path)
    }

    // MARK: tensors

    /// All tensors, file by file.
    package var entries: some Sequence<TensorEntry> { files.lazy.flatMap(\.entries) }
    package var tensorCount: Int { files.reduce(0) { $0 + $1.entries.count } }
    /// Of the tensors, without headers. Every range lies in its file, so the sum cannot overflow.
    package var byteCount: Int { entries.reduce(0) { $0 + $1.range.count } }
    package var parameterCount: Int { entries.reduce(0) { $0 + $1.elementCount } }

    package subscript(_ name: String) -> TensorEntry? {
        for file in files {
            if let entry = file[name] { return entry }
        }
        return nil
    }

    /// The tensor where it lies in its file, in the format it has there.
    package func tensor(named name: String) throws(CheckpointError) -> Tensor {
        for file in files {
            if let entry = file[name] { return file.tensor(entry) }
        }
        throw CheckpointError(
            path, "weights", "tensor \(CheckpointError.quoted(name)) is missing", next: "Check that config.json belongs to these weights.")
    }

    /// Throws if a file was replaced, truncated or written since it was opened.
    package func verifyUnchanged() throws(CheckpointError) {
        for file in files { try file.verifyUnchanged() }
    }
}
