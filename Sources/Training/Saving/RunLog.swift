import Foundation
import StrictJSON

/// One JSON object a line, a line a step. It is appended to, and a step that ran twice has one line.
final class RunLog: Sendable {
    let path: String
    private let descriptor: Int32

    /// Lines of steps after `step`, and a torn last line, are taken away.
    init(path: String, after step: Int) throws(RunError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw RunError(path, "the log cannot be written: \(String(cString: strerror(errno)))", next: "Choose another --log.")
        }
        let kept = RunLog.kept(path, through: step)
        guard ftruncate(descriptor, off_t(kept)) == 0 else {
            let code = errno
            close(descriptor)
            throw RunError(path, "the log cannot be cut: \(String(cString: strerror(code)))", next: "Choose another --log.")
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Bytes of the lines that stay.
    private static func kept(_ path: String, through step: Int) -> Int {
        guard step > 0, let bytes = FileManager.default.contents(atPath: path) else { return 0 }
        var end = 0
        var start = bytes.startIndex
        while let newline = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard let line = try? StrictJSON.parse(Array(bytes[start..<newline])).object else { return end }
            if let number = line["step"]?.integer, number > step { return end }
            end = newline + 1
            start = newline + 1
        }
        return end
    }

    func append(_ json: JSONValue) throws(RunError) {
        let line = Array((json.line + "\n").utf8)
        var done = 0
        while done < line.count {
            let count = line[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw RunError(
                    path, "the log cannot be written: \(String(cString: strerror(errno)))", next: "Make room, then use --resume.")
            }
            done += count
        }
    }

    /// Before a checkpoint says that a step is done, its line is on the disk.
    func sync() throws(RunError) {
        // A pipe or a terminal cannot be synced and says EINVAL.
        if fsync(descriptor) != 0 && errno != EINVAL {
            throw RunError(path, "the log cannot be synced: \(String(cString: strerror(errno)))", next: "Look after the disk.")
        }
    }
}
