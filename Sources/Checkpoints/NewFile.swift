import Foundation
import Tensors

/// A file that appears under its name only when it is complete and on the disk: written under a passing name in the same folder, then
/// synced, renamed, and the folder synced. A mapping of the file that had the name before stays whole.
struct NewFile: ~Copyable {
    private static let prefix = ".mica-"
    private static let suffix = ".part"

    private let shown: String
    private let format: String
    /// Where the file goes: what a link at the path leads to.
    private let target: String
    private let folder: String
    private let descriptor: Int32
    /// Nil once it has its name.
    private var temporary: String?

    init(path: String, format: String, byteCount: Int) throws(CheckpointError) {
        let target = try NewFile.target(of: path, format)
        let folder = InputFile.split(target).folder
        NewFile.removeAbandoned(in: folder)
        try NewFile.checkSpace(for: byteCount, in: folder, path, format)
        let name = "\(NewFile.prefix)\(getpid())-\(String(UInt64.random(in: 0 ... .max), radix: 36))\(NewFile.suffix)"
        let temporary = InputFile.join(folder, name)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw NewFile.fault(path, format, errno) }
        // Held as long as this process writes: it tells a file in the making from an abandoned one.
        _ = flock(descriptor, LOCK_EX | LOCK_NB)
        var status = stat()
        if stat(target, &status) == 0 { _ = fchmod(descriptor, status.st_mode & 0o777) }
        shown = path
        self.format = format
        self.target = target
        self.folder = folder
        self.descriptor = descriptor
        self.temporary = temporary
    }

    deinit {
        close(descriptor)
        if let temporary { unlink(temporary) }
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(CheckpointError) {
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, min(bytes.count - done, 1 << 30), offset + done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw NewFile.fault(shown, format, count == 0 ? EIO : errno) }
            done += count
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(CheckpointError) {
        try bytes.withUnsafeBytes { bytes in Result { () throws(CheckpointError) in try write(bytes, at: offset) } }.get()
    }

    /// A failed sync is not tried again: what the kernel then still holds is unknown.
    mutating func finish() throws(CheckpointError) {
        guard let temporary else { return }
        guard fsync(descriptor) == 0, rename(temporary, target) == 0 else { throw NewFile.fault(shown, format, errno) }
        self.temporary = nil
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw NewFile.fault(shown, format, errno) }
        defer { close(directory) }
        // Some file systems cannot sync a folder and say EINVAL.
        if fsync(directory) != 0 && errno != EINVAL { throw NewFile.fault(shown, format, errno) }
    }

    /// A device or FIFO must not be replaced by a file, nor a file that its owner has protected.
    private static func target(of path: String, _ format: String) throws(CheckpointError) -> String {
        if path.isEmpty || path.utf8.contains(0) { throw fault(path, format, "the path is empty or has a NUL byte") }
        var status = stat()
        guard stat(path, &status) == 0 else { return path }
        guard status.st_mode & S_IFMT == S_IFREG else { throw fault(path, format, "is there already and is not a regular file") }
        guard access(path, W_OK) == 0 else { throw fault(path, format, errno) }
        guard let resolved = realpath(path, nil) else { throw fault(path, format, errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func checkSpace(for byteCount: Int, in folder: String, _ path: String, _ format: String) throws(CheckpointError) {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { throw fault(path, format, errno) }
        let (free, overflows) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        if !overflows && free < UInt64(byteCount) {
            throw fault(path, format, "No space left on device (needs \(byteCount) bytes, free \(free))")
        }
    }

    /// Files that a process which was killed has left behind: nobody holds their lock.
    private static func removeAbandoned(in folder: String) {
        guard let directory = opendir(folder) else { return }
        defer { closedir(directory) }
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
            let path = InputFile.join(folder, name)
            let descriptor = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)
            guard descriptor >= 0 else { continue }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
            close(descriptor)
        }
    }

    private static func fault(_ path: String, _ format: String, _ code: Int32) -> CheckpointError {
        fault(path, format, String(cString: strerror(code)))
    }

    private static func fault(_ path: String, _ format: String, _ rule: String) -> CheckpointError {
        let next = rule.hasPrefix("No space") ? "Free some space or write elsewhere." : "Write to another path."
        return CheckpointError(path, format, rule, next: next, failure: "cannot write")
    }
}
