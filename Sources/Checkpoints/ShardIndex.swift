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
        let file = try InputFile.map(target, shownAs: path, as: ShardIndex.format)
        if file.byteCount > SafetensorsHeader.maximumLength {
            throw ShardIndex.fault(path, "file too large (size = \(file.byteCount), limit \(SafetensorsHeader.maximumLength))")
        }
        let text: IndexText
        do throws(JSONError) { text = try IndexText(file.bytes) } catch {
            if let foreign = ForeignFormat.insteadOfJSON(file.bytes) {
                throw CheckpointError(path, ShardIndex.format, foreign.rule, next: foreign.nextStep)
            }
            throw CheckpointError(path, ShardIndex.format, error, next: "Download it again.")
        }
        (places, shards) = try ShardIndex.weightMap(of: text, path: path)
        totalSize = text.totalSize
    }

    private static func weightMap(
        of text: IndexText, path: String
    ) throws(CheckpointError) -> ([(tensor: String, shard: String)], [String]) {
        guard text.hasMap else { throw fault(path, "missing weight_map") }
        if let kind = text.otherKind { throw fault(path, "weight_map must be an object of tensor names and file names, is \(kind)") }
        if text.places.isEmpty { throw fault(path, "weight_map is empty") }
        if text.places.count > SafetensorsHeader.maximumTensors {
            throw fault(path, "more than \(SafetensorsHeader.maximumTensors) tensors")
        }
        var places: [(tensor: String, shard: String)] = []
        var shards: Set<UTF8Key> = []
        for (tensor, value) in text.places {
            guard let shard = value.string else {
                throw fault(path, "weight_map: the file of \(CheckpointError.quoted(tensor)) must be a string, is \(value.kind)")
            }
            // One copy of a name for all its tensors.
            let (isNew, name) = shards.insert(UTF8Key(shard))
            if isNew && !isPlain(shard) {
                throw fault(path, "shard name must be a plain file name in the model folder (\(CheckpointError.quoted(shard)))")
            }
            places.append((tensor, name.text))
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

/// The text of an index, passed over but for what is asked of it.
private struct IndexText {
    private(set) var places: [(tensor: String, shard: JSONValue)] = []
    private(set) var hasMap = false
    /// What weight_map is if it is no object.
    private(set) var otherKind: String?
    private(set) var totalSize: Int?
    /// The rest of a text with too many tensors is not read.
    var isTooLong: Bool { places.count > SafetensorsHeader.maximumTensors }

    init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        var json = try JSONReader(bytes)
        guard json.isAtObject else { throw json.fault("is something else") }
        try json.open()
        while let key = try json.nextKey() {
            switch key {
            case "weight_map" where hasMap: throw json.fault("has the key 'weight_map' twice")
            case "weight_map":
                try readMap(&json)
                if isTooLong { return }
            case "metadata" where json.isAtObject: try readMetadata(&json)
            default: _ = try json.scalar()
            }
        }
        try json.end()
    }

    private mutating func readMap(_ json: inout JSONReader) throws(JSONError) {
        hasMap = true
        guard json.isAtObject else {
            otherKind = try json.scalar().kind
            return
        }
        var seen: Set<UTF8Key> = []
        try json.open()
        while let tensor = try json.nextKey() {
            let shard = try json.scalar()
            guard seen.insert(UTF8Key(tensor)).inserted else { throw json.fault("has the key '\(JSONError.excerpt(tensor))' twice") }
            places.append((tensor, shard))
            if isTooLong { return }
        }
    }

    private mutating func readMetadata(_ json: inout JSONReader) throws(JSONError) {
        try json.open()
        while let key = try json.nextKey() {
            let value = try json.scalar()
            if key == "total_size" { totalSize = value.integer }
        }
    }
}
