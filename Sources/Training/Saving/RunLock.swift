import Foundation

/// Held while a process trains in a run's folder; the kernel lets go of it however the process ends.
final class RunLock: Sendable {
    private let descriptor: Int32

    init(_ run: String) throws(RunError) {
        let path = "\(run)/lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else {
            throw RunError(run, "the run's folder cannot be written: \(String(cString: strerror(errno)))", next: "Choose another folder.")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = RunLock.holder(descriptor)
            close(descriptor)
            throw RunError(run, "the run is locked by pid \(holder)", next: "Wait for that process, or end it.")
        }
        let text = Array("\(getpid())\n".utf8)
        // Who holds the lock is a courtesy; the lock itself is flock's.
        _ = ftruncate(descriptor, 0)
        _ = pwrite(descriptor, text, text.count, 0)
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { $0 >= 0x30 && $0 <= 0x39 }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }
}
