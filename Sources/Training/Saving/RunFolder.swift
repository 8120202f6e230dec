import Checkpoints
import Foundation
import StrictJSON

/// The folder of a run: run.json (what the run is), log.jsonl, step-N (complete checkpoints), lock. Whatever is called .tmp-… is unfinished.
package struct RunFolder: Sendable {
    static let description = "run.json"
    static let temporary = ".tmp-"

    package let path: String
    /// What was found and put right when the folder was opened.
    package let notices: [String]
    private let lock: RunLock

    /// Takes the run's folder for this process, makes it if it is not there, and removes what a process that was killed has left.
    package init(path: String) throws(RunError) {
        let full = RunFolder.absolute(path)
        // Folders above it too; if that fails, the next call says why.
        let above = URL(fileURLWithPath: full).deletingLastPathComponent()
        try? FileManager.default.createDirectory(at: above, withIntermediateDirectories: true)
        if mkdir(full, 0o777) != 0 && errno != EEXIST {
            throw RunError(path, "the run's folder cannot be made: \(String(cString: strerror(errno)))", next: "Choose another folder.")
        }
        self.path = full
        lock = try RunLock(full)
        notices = RunFolder.clean(full)
    }

    /// As it is from any working directory.
    static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : URL(fileURLWithPath: path).standardizedFileURL.path
    }

    private static func clean(_ path: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.filter { $0.hasPrefix(temporary) }.sorted().map { name in
            (try? FileManager.default.removeItem(atPath: "\(path)/\(name)")) != nil
                ? "\(name), left behind by a process that did not end well, was removed" : "\(name) cannot be removed"
        }
    }

    /// Steps of which there is a checkpoint, complete or not, newest first.
    package var steps: [Int] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        return names.compactMap { $0.hasPrefix("step-") ? Int($0.dropFirst(5)) : nil }.sorted(by: >)
    }

    package func folder(step: Int) -> String { "\(path)/step-\(step)" }

    package var hasRun: Bool { access("\(path)/\(RunFolder.description)", F_OK) == 0 || !steps.isEmpty }

    // MARK: what the run is

    package func describe(_ json: JSONValue) throws(CheckpointError) {
        try WholeFile.write(Array((json.line + "\n").utf8), to: "\(path)/\(RunFolder.description)", as: RunFolder.description)
    }

    package func describing() throws(CheckpointError) -> ConfigFile {
        try ConfigFile(path: "\(path)/\(RunFolder.description)", format: RunFolder.description)
    }

    // MARK: checkpoints

    /// The newest checkpoint whose manifest and files hold, and what was passed over on the way to it.
    package func newest() throws(RunError) -> (manifest: Manifest?, notices: [String]) {
        var notices: [String] = []
        for step in steps {
            do throws(ManifestFault) {
                let manifest = try verified(step)
                return (manifest, notices.map { "\($0); using step-\(step)" })
            } catch {
                switch error {
                case .broken(let rule): notices.append("checkpoint step-\(step): \(rule)")
                case .newer(let schema):
                    throw RunError(
                        path, "checkpoint step-\(step) was written by a newer version (schema \(schema), known is \(Manifest.schema))",
                        next: "Go on with the program that wrote it.")
                }
            }
        }
        return (nil, notices.map { "\($0); there is no other" })
    }

    private func verified(_ step: Int) throws(ManifestFault) -> Manifest {
        let folder = folder(step: step)
        let manifest: Manifest
        do {
            let bytes = try WholeFile.read("\(folder)/\(Manifest.name)", as: Manifest.name, limit: 16 << 20)
            manifest = try Manifest(StrictJSON.parse(bytes))
        } catch let fault as ManifestFault { throw fault } catch { throw .broken("incomplete, it has no readable manifest") }
        if manifest.step != step { throw .broken("incomplete, its manifest is of step \(manifest.step)") }
        for file in manifest.files {
            guard let found = try? WholeFile.checksum("\(folder)/\(file.name)", as: file.name) else {
                throw .broken("incomplete, \(file.name) is missing")
            }
            guard found.size == file.size && found.sha256 == file.sha256 else { throw .broken("checksum mismatch in \(file.name)") }
        }
        return manifest
    }

    /// Makes a checkpoint: `write` fills a passing folder and returns the names of its files; it gets its name when everything in it is on
    /// the disk. Then the oldest checkpoints beyond `keep` go.
    func save(_ manifest: Manifest, byteCount: Int, keep: Int, write: (String) throws -> [String]) throws {
        let target = folder(step: manifest.step)
        let temporary = "\(path)/\(RunFolder.temporary)step-\(manifest.step)-\(getpid())"
        do {
            try checkSpace(byteCount)
            guard mkdir(temporary, 0o777) == 0 else { throw fault(errno) }
            var manifest = manifest
            manifest.files = try write(temporary).map { name in
                let found = try WholeFile.checksum("\(temporary)/\(name)", as: name)
                return Manifest.File(name: name, size: found.size, sha256: found.sha256)
            }
            try WholeFile.write(Array((manifest.json.line + "\n").utf8), to: "\(temporary)/\(Manifest.name)", as: Manifest.name)
            try sync(temporary)
            // What is there under this name did not hold, or the run would not be here again.
            if access(target, F_OK) == 0 { try retire(manifest.step) }
            guard rename(temporary, target) == 0 else { throw fault(errno) }
            try sync(path)
        } catch {
            try? FileManager.default.removeItem(atPath: temporary)
            throw notSaved(manifest.step, error)
        }
        prune(keep)
    }

    private func checkSpace(_ byteCount: Int) throws(RunError) {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { throw fault(errno) }
        let free = Double(status.f_bavail) * Double(status.f_frsize)
        if free < 1.1 * Double(byteCount) {
            throw RunError(path, "disk full (needs \(byteCount) bytes and a tenth more, free \(Int(free)))", next: "Free some space.")
        }
    }

    private func notSaved(_ step: Int, _ error: any Error) -> RunError {
        let rule = (error as? RunError)?.rule ?? "\(error)"
        let intact = steps.first { $0 != step }.map { "step-\($0) is intact" } ?? "there is no earlier checkpoint"
        return RunError(path, "step-\(step) was not saved: \(rule); \(intact)", next: "Make room, then go on with --resume.")
    }

    private func fault(_ code: Int32) -> RunError {
        let full = [ENOSPC, EDQUOT, EFBIG].contains(code)
        return RunError(
            path, (full ? "disk full: " : "") + String(cString: strerror(code)), next: "Free some space, or look after the disk.")
    }

    /// A failed sync is not tried again: what the kernel then still holds is unknown.
    private func sync(_ folder: String) throws(RunError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault(errno) }
        defer { close(descriptor) }
        if fsync(descriptor) != 0 && errno != EINVAL { throw fault(errno) }
    }

    /// Takes a checkpoint away in one move, then removes it.
    private func retire(_ step: Int) throws(RunError) {
        let away = "\(path)/\(RunFolder.temporary)old-step-\(step)-\(getpid())"
        guard rename(folder(step: step), away) == 0 else { throw fault(errno) }
        try? FileManager.default.removeItem(atPath: away)
    }

    /// The new checkpoint is safe already: what cannot be removed now is removed another time.
    private func prune(_ keep: Int) {
        for step in steps.dropFirst(max(1, keep)) { try? retire(step) }
    }
}
