import Foundation
import Screen

/// Standard output and standard error. What may hold text from a file is made harmless here; data goes out as it is.
enum Console {
    static let outputIsTerminal = isatty(STDOUT_FILENO) == 1
    static let errorIsTerminal = isatty(STDERR_FILENO) == 1

    /// Harmless text and a newline.
    static func print(_ text: String) {
        send(Array((VisibleText.line(text, keepingNewlines: true) + "\n").utf8), to: STDOUT_FILENO)
    }

    /// Bytes that another program reads: JSON, ids, text that was asked for.
    static func data(_ bytes: some Sequence<UInt8>) { send(Array(bytes), to: STDOUT_FILENO) }

    /// A line about the work, on standard error.
    static func note(_ text: String) { send(Array((VisibleText.line(text) + "\n").utf8), to: STDERR_FILENO) }

    /// What went wrong.
    static func complain(_ text: String) { note("mica: \(text)") }

    /// Text of ours, without a newline, on standard error.
    static func status(_ text: String) { send(Array(text.utf8), to: STDERR_FILENO) }

    private static func send(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                var one = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&one, 1, 1000)
            } else if errno != EINTR {
                give(up: descriptor, errno)
            }
        }
    }

    /// Nobody reads on, or there is no room: going on would be in vain.
    private static func give(up descriptor: Int32, _ code: Int32) -> Never {
        if code != EPIPE && descriptor != STDERR_FILENO {
            complain("cannot write standard output: \(String(cString: strerror(code)))")
        }
        exit(code == EPIPE ? 141 : 1)
    }
}
