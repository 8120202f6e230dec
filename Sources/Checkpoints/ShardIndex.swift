import StrictJSON
import Tensors

/// `model.safetensors.index.json`: which tensor lies in which file of the folder.
struct ShardIndex {
    static let fileName = "model.safetensors.index.json"
    private static let format = "index.json"

    let folder: String
    private let path: String
    /// Tensor → shard, in the order of the index.
    private let places: [(tensor: String, shard: String)]
    /// Each once, in the order of their names, which is the order of their numbers.
    private let shards: [String]
    private let totalSize: Int?

    /// Reads the index; no shard is opened yet, and none whose name is not that of a file in this folder ever is.
    init(_ name: String, in folder: String) throws(CheckpointError) {
        self.folder = folder
        path = InputFile.join(folder, name)
        let target = try InputFile.resolve(name, in: folder, as: ShardIndex.format)
        let object = try InputFile.object(target, shownAs: path, as: ShardIndex.format, limit: SafetensorsHeader.maximumLength)
        (places, shards) = try ShardIndex.weightMap(of: object, path: path)
        totalSize = object["metadata"]?.object?["total_size"]?.integer
    }

    private static func weightMap(
        of object: JSONObject, path: String
    ) throws(CheckpointError) -> ([(tensor: String, shard: String)], [String]) {
        guard let value = object["weight_map"] else { throw fault(path, "missing weight_map") }
        guard let map = value.object else {
            throw fault(path, "weight_map must be an object of tensor names and file names, is \(value.kind)")
        }
        if map.count == 0 { throw fault(path, "weight_map is empty") }
        if map.count > SafetensorsHeader.maximumTensors { throw fault(path, "more than \(SafetensorsHeader.maximumTensors) tensors") }
        var places: [(tensor: String, shard: String)] = []
        var shards: Set<UTF8Key> = []
        for (tensor, value) in map.members {
            guard let shard = value.string else {
                throw fault(path, "weight_map: the file of \(CheckpointError.quoted(tensor)) must be a string, is \(value.kind)")
            }
            if shards.insert(UTF8Key(shard)).inserted && !isPlain(shard) {
                throw fault(path, "shard name must be a plain file name in the model folder (\(CheckpointError.quoted(shard)))")
            }
            places.append((tensor, shard))
        }
        return (places, shards.map(\.text).sorted())
    }

    /// A name of one component, without separators of any system and without control characters.
    static func isPlain(_ name: String) -> Bool {
        let separators: [Unicode.Scalar] = ["/", "\\", ":"]
        let isControl = { (scalar: Unicode.Scalar) in scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) }
        return !name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255
            && !name.unicodeScalars.contains { separators.contains($0) || isControl($0) }
    }

    /// The names of the shards if all of them are there.
    func presentShards() throws(CheckpointError) -> [String] {
        let missing = shards.filter { !InputFile.exists($0, in: folder) }
        guard let first = missing.first else { return shards }
        let more = missing.count > 1 ? " and \(missing.count - 1) more" : ""
        throw ShardIndex.fault(
            path,
            "missing shard \(CheckpointError.quoted(first))\(more): download incomplete (\(shards.count - missing.count) of \(shards.count))",
            next: "Download the missing files into the same folder.")
    }

    /// Holds the index against the tables of its files, in the order of `presentShards`; returns what is odd but harmless.
    func check(_ files: [any WeightFile]) throws(CheckpointError) -> [String] {
        let tables = Dictionary(zip(shards.map(UTF8Key.init), files)) { first, _ in first }
        for (tensor, shard) in places where tables[UTF8Key(shard)]?[tensor] == nil {
            throw ShardIndex.fault(path, "tensor \(CheckpointError.quoted(tensor)) is not in its shard \(CheckpointError.quoted(shard))")
        }
        try checkUnique(files)
        let count = files.reduce(0) { $0 + $1.entries.count }
        var notes: [String] = []
        if count > places.count { notes.append("\(count - places.count) tensors in the shards are not in \(ShardIndex.fileName)") }
        let size = files.reduce(0) { $0 + $1.entries.reduce(0) { $0 + $1.range.count } }
        if let totalSize, totalSize != size { notes.append("the index says total_size = \(totalSize), the shards hold \(size) bytes") }
        return notes
    }

    private func checkUnique(_ files: [any WeightFile]) throws(CheckpointError) {
        var seen: Set<UTF8Key> = []
        for file in files {
            for entry in file.entries where !seen.insert(UTF8Key(entry.name)).inserted {
                throw ShardIndex.fault(path, "tensor \(CheckpointError.quoted(entry.name)) is in two shards, the second \(file.path)")
            }
        }
    }

    private static func fault(
        _ path: String, _ rule: String, next: String = "Download the index and its shards again from one place."
    ) -> CheckpointError { CheckpointError(path, format, rule, next: next) }
}
