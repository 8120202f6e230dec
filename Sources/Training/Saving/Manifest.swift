import Checkpoints
import StrictJSON

/// What a checkpoint says of itself: its files with their checksums, and all state that is no tensor.
package struct Manifest: Sendable {
    static let name = "manifest.json"
    /// Raised when an older program could no longer read what is written.
    static let schema = 1
    private static let generator = "SplitMix64 of seed, step and row"

    struct File: Sendable, Equatable {
        let name: String
        let size: Int
        let sha256: String
    }

    package internal(set) var step = 0
    var files: [File] = []
    /// Of the weights that the run began with.
    var base = ""
    /// SHA-256 of the data file.
    var data = ""
    package internal(set) var cursor = DataCursor()
    var tokens = 0
    var losses: [Double] = []
    /// Nil where a manifest does not say what its random numbers came from.
    var seed: Int?

    init() {}

    var json: JSONValue {
        .object([
            ("schema", .integer(Manifest.schema)), ("step", .integer(step)),
            (
                "files",
                .array(
                    files.map { .object([("name", .string($0.name)), ("size", .integer($0.size)), ("sha256", .string($0.sha256))]) })
            ),
            ("base", .string(base)),
            (
                "data",
                .object([("sha256", .string(data)), ("epoch", .integer(cursor.epoch)), ("position", .integer(cursor.position))])
            ),
            ("random", seed.map { .object([("generator", .string(Manifest.generator)), ("seed", .integer($0))]) } ?? .null),
            // Checkpoints are made between steps only.
            ("accumulation", .object([("position", .integer(0))])), ("tokens", .integer(tokens)),
            ("losses", .array(losses.map { .real($0) })),
        ])
    }

    /// Throws what is wrong with it, as the end of a sentence.
    init(_ value: JSONValue) throws(ManifestFault) {
        guard let object = value.object, let schema = object["schema"]?.integer else { throw .broken("no schema") }
        if schema > Manifest.schema { throw .newer(schema) }
        guard let step = object["step"]?.integer, step >= 0 else { throw .broken("no step") }
        guard let list = object["files"]?.array, let base = object["base"]?.string else { throw .broken("no files") }
        self.step = step
        self.base = base
        for entry in list {
            guard let name = entry.object?["name"]?.string, let size = entry.object?["size"]?.integer,
                let sha256 = entry.object?["sha256"]?.string, !name.contains("/"), name != Manifest.name
            else { throw .broken("a file without name, size and checksum") }
            files.append(File(name: name, size: size, sha256: sha256))
        }
        guard let place = object["data"]?.object, let data = place["sha256"]?.string, let epoch = place["epoch"]?.integer,
            let position = place["position"]?.integer, epoch >= 0, position >= 0
        else { throw .broken("no place in the data") }
        self.data = data
        cursor = DataCursor(epoch: epoch, position: position)
        tokens = object["tokens"]?.integer ?? 0
        losses = object["losses"]?.array?.compactMap { $0.number?.double } ?? []
        if let random = object["random"]?.object, random["generator"]?.string == Manifest.generator { seed = random["seed"]?.integer }
    }
}

enum ManifestFault: Error {
    case broken(String)
    case newer(Int)
}
