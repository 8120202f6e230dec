import Foundation

/// Reads a regular file in pieces, line by line or as a whole; no line and no text can be larger than its limit.
struct DataFile: ~Copyable {
    static let lineLimit = 16 << 20
    static let textLimit = 512 << 20
    private static let pieceSize = 1 << 16

    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var at = 0
    private var isAtEnd = false
    private(set) var line = 0

    init(_ path: String) throws(DataError) {
        guard !path.utf8.contains(0) else { throw DataError(path, "the path has a NUL byte", next: "Check the path.") }
        // O_NONBLOCK: opening a FIFO must not wait for a writer.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw DataFile.system(path) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DataError(path, "not a regular file", next: "Give a .txt or .jsonl file.")
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    private static func system(_ path: String) -> DataError {
        DataError(path, String(cString: strerror(errno)), next: "Check the path and its permissions.")
    }

    static func suffix(_ path: String) -> String {
        let name = path.split(separator: "/").last ?? ""
        return name.lastIndex(of: ".").map { name[name.index(after: $0)...].lowercased() } ?? ""
    }

    /// The next line without its end (LF or CRLF); nil after the last.
    mutating func nextLine() throws(DataError) -> [UInt8]? {
        var searched = at
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) { return try take(upTo: end, skipping: 1) }
            searched = buffer.count
            if isAtEnd { return at < buffer.count ? try take(upTo: buffer.count, skipping: 0) : nil }
            if buffer.count - at > Self.lineLimit { throw tooLong }
            searched -= compact()
            try readMore()
        }
    }

    private var tooLong: DataError {
        DataError(path, line: line + 1, "longer than \(Self.lineLimit >> 20) MiB", next: "Is this one JSON object a line? Split the row.")
    }

    private mutating func take(upTo end: Int, skipping: Int) throws(DataError) -> [UInt8] {
        if end - at > Self.lineLimit { throw tooLong }
        var bytes = Array(buffer[at..<end])
        at = end + skipping
        line += 1
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        return bytes
    }

    /// Forgets what has been handed out; returns by how much the rest has moved.
    private mutating func compact() -> Int {
        defer { at = 0 }
        buffer.removeFirst(at)
        return at
    }

    private mutating func readMore() throws(DataError) {
        var piece = [UInt8](repeating: 0, count: Self.pieceSize)
        var got = -1
        repeat { got = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) } } while got < 0 && errno == EINTR
        if got < 0 { throw Self.system(path) }
        isAtEnd = got == 0
        buffer += piece[..<got]
    }

    /// All bytes of the file.
    mutating func contents() throws(DataError) -> [UInt8] {
        while !isAtEnd {
            try readMore()
            if buffer.count > Self.textLimit {
                throw DataError(
                    path, "longer than \(Self.textLimit >> 20) MiB", next: "Split the text, or give it as .jsonl rows with `text`.")
            }
        }
        return buffer
    }
}
