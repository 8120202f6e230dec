import Foundation
import Synchronization

/// A regular file mapped read-only. The pages are never written, so the mapping may be shared between threads; the address is kept as
/// an integer because pointers are not Sendable.
package final class MappedFile: Sendable {
    package let path: String
    package let byteCount: Int
    private let address: UInt
    private let identity: Identity
    /// Its tensors in another format, the newest of each.
    private let casts = Mutex<[Int: Cast]>([:])

    private struct Cast: Sendable {
        let type: ElementType
        let format: NumberFormat
        let result: Tensor
    }

    private struct Identity: Equatable, Sendable {
        let device: UInt64
        let inode: UInt64
        let size: Int
        let modified: Int

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            size = Int(status.st_size)
            modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
        }
    }

    package init(path: String) throws(FileError) {
        // O_NONBLOCK: opening a FIFO must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError(path: path, code: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileError(path: path, code: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path: path, rule: "is not a regular file but \(FileError.kind(of: status))")
        }
        self.path = path
        byteCount = Int(status.st_size)
        identity = Identity(status)
        if byteCount == 0 {
            address = 0
            return
        }
        guard let base = mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0), base != MAP_FAILED else {
            throw FileError(path: path, code: errno)
        }
        address = UInt(bitPattern: base)
    }

    deinit {
        if let base = UnsafeMutableRawPointer(bitPattern: address) { munmap(base, byteCount) }
    }

    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: byteCount) }

    /// A tensor of this file in a format, made by `cast` the first time and kept until another format of it is asked for: every run of a
    /// model rounds the same weights.
    func cast(_ tensor: Tensor, to format: NumberFormat, _ cast: () throws -> Tensor) rethrows -> Tensor {
        let known = tensor.isContiguous ? casts.withLock { $0[tensor.offset] } : nil
        if let known, known.format == format, known.type == tensor.type, known.result.shape == tensor.shape { return known.result }
        let result = try cast()
        // What refers to the file itself would keep it for ever.
        if case .memory = result.storage, tensor.isContiguous {
            casts.withLock { $0[tensor.offset] = Cast(type: tensor.type, format: format, result: result) }
        }
        return result
    }

    /// Gives the pages that lie wholly in a range of bytes back to the system: who reads there again has them read from the file again.
    package func releasePages(_ range: Range<Int>) {
        if let (start, count) = pages(range, whole: true) { madvise(start, count, MADV_DONTNEED) }
    }

    /// Maps the pages of a range at once, which takes a fraction of the time of as many faults. Systems that cannot, fault.
    package func mapPages(_ range: Range<Int>) {
        if let (start, count) = pages(range, whole: false) { madvise(start, count, MADV_POPULATE_READ) }
    }

    /// The whole pages of a range, or from the page on in which it begins.
    private func pages(_ range: Range<Int>, whole: Bool) -> (start: UnsafeMutableRawPointer, count: Int)? {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        guard page > 0, let base = UnsafeMutableRawPointer(bitPattern: address) else { return nil }
        let first = (max(0, range.lowerBound) + (whole ? page - 1 : 0)) / page * page
        let last = min(range.upperBound, byteCount), end = whole ? last / page * page : last
        return first < end ? (base + first, end - first) : nil
    }

    /// Throws if the file behind the mapping has been replaced, truncated or written since: reading on would show other numbers or fault.
    package func verifyUnchanged() throws(FileError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileError(path: path, code: errno) }
        if Identity(status) != identity { throw FileError(path: path, rule: "was changed while it was open; open it again") }
    }
}

/// The operating system refused, or what lies at the path is not a file to read.
package struct FileError: Error, CustomStringConvertible, Sendable {
    package let path: String
    package let rule: String
    /// Nothing lies at the path.
    package let isMissing: Bool

    package init(path: String, rule: String, isMissing: Bool = false) {
        self.path = path
        self.rule = rule
        self.isMissing = isMissing
    }

    package init(path: String, code: Int32) { self.init(path: path, rule: String(cString: strerror(code)), isMissing: code == ENOENT) }

    package var description: String { "\(path): \(rule)" }

    static func kind(of status: stat) -> String {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a FIFO"
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFSOCK: "a socket"
        default: "something else"
        }
    }
}
