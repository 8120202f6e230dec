import Foundation

/// Standard input by lines or whole. A line may be long, but not longer than memory should be.
struct StandardInput {
    private var buffer: [UInt8] = []
    private var start = 0
    private var hasEnded = false
    private static let limit = 1 << 30

    /// The next line without its end; nil after the last.
    mutating func line() throws(Failure) -> [UInt8]? {
        var searched = start
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { start = end + 1 }
                return Array(buffer[start..<end])
            }
            if hasEnded {
                defer { start = buffer.count }
                return start < buffer.count ? Array(buffer[start...]) : nil
            }
            buffer.removeFirst(start)
            start = 0
            searched = buffer.count
            try fill()
        }
    }

    /// All that is left.
    mutating func rest() throws(Failure) -> [UInt8] {
        while !hasEnded { try fill() }
        defer { start = buffer.count }
        return Array(buffer[start...])
    }

    private mutating func fill() throws(Failure) {
        if buffer.count > StandardInput.limit { throw Failure("standard input: more than \(StandardInput.limit) bytes at once") }
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(STDIN_FILENO, &chunk, chunk.count)
        if count < 0 {
            if errno == EINTR { return }
            throw Failure("cannot read standard input: \(String(cString: strerror(errno)))")
        }
        hasEnded = count == 0
        buffer += chunk[..<count]
    }
}
