import Foundation
import StrictJSON
import Tensors

/// Files are opened here only: as regular files, and inside a model folder never by a link that leaves it.
enum InputFile {
    /// JSON files of a folder other than tokenizers and indices. A hostile text takes some thirty times its size as values.
    static let configLimit = 4 << 20

    static func map(_ path: String, shownAs shown: String, as format: String) throws(CheckpointError) -> MappedFile {
        do { return try MappedFile(path: checked(path)) } catch { throw CheckpointError(shown, format, error) }
    }

    /// The file's bytes, copied, so that a change of the file later is no concern.
    static func read(_ path: String, shownAs shown: String, as format: String, limit: Int) throws(CheckpointError) -> [UInt8] {
        let file = try map(path, shownAs: shown, as: format)
        guard file.byteCount <= limit else {
            throw CheckpointError(
                shown, format, "file too large (size = \(file.byteCount) bytes, limit \(limit))", next: "Check that this is the right file."
            )
        }
        return Array(file.bytes)
    }

    /// A JSON object from a file.
    static func object(_ path: String, shownAs shown: String, as format: String, limit: Int) throws(CheckpointError) -> JSONObject {
        let bytes = try read(path, shownAs: shown, as: format, limit: limit)
        let value: JSONValue
        do { value = try StrictJSON.parse(bytes) } catch {
            if let foreign = bytes.withUnsafeBytes({ ForeignFormat.insteadOfJSON($0) }) {
                throw CheckpointError(shown, format, foreign.rule, next: foreign.nextStep)
            }
            throw CheckpointError(shown, format, error, next: "Correct the file or download it again.")
        }
        guard let object = value.object else {
            throw CheckpointError(shown, format, "not a JSON object, is \(value.kind)", next: "Check that this is the right file.")
        }
        return object
    }

    /// Swift would cut a path at its first NUL byte.
    private static func checked(_ path: String) throws(FileError) -> String {
        if path.utf8.contains(0) { throw FileError(path: path, rule: "the path has a NUL byte") }
        return path
    }

    /// Where `name` in `folder` really lies. Links may lead about inside the folder and, in the layout of the Hugging Face cache
    /// (snapshots/REVISION beside blobs), to a blob; any other link out of a folder that somebody else has packed is refused.
    static func resolve(_ name: String, in folder: String, as format: String) throws(CheckpointError) -> String {
        let path = join(folder, name)
        guard let home = realPath(folder), let target = realPath(path) else {
            throw CheckpointError(path, format, FileError(path: path, code: errno))
        }
        if target.hasPrefix(home == "/" ? "/" : home + "/") || isBlob(target, of: home) { return target }
        throw CheckpointError(
            path, format, "the link leaves the model folder (target = \(CheckpointError.quoted(target)))",
            next: "Copy the file into the folder, or open the target itself.")
    }

    static func join(_ folder: String, _ name: String) -> String { folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)" }

    /// The folder and the name of a file.
    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return (".", path) }
        let folder = String(path[..<slash])
        return (folder.isEmpty ? "/" : folder, String(path[path.utf8.index(after: slash)...]))
    }

    static func exists(_ name: String, in folder: String) -> Bool {
        var status = stat()
        return lstat(join(folder, name), &status) == 0
    }

    private static func isBlob(_ target: String, of home: String) -> Bool {
        let parts = home.split(separator: "/")
        guard parts.count >= 3, parts[parts.count - 2] == "snapshots" else { return false }
        let blobs = parts.dropLast(2) + ["blobs"]
        return target.split(separator: "/").dropLast().elementsEqual(blobs)
    }

    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
