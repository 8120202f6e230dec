import CNcurses
import Glibc
import Screen

/// What the user may say about the terminal, and what its environment says.
package struct TerminalOptions: Sendable {
    /// Colours to use; nil leaves it to the environment and the terminal's entry.
    package var color: ColorDepth?
    /// Only ASCII, whatever the locale.
    package var ascii = false
    package var mouse = false
    package var environment: [String: String]

    package init(environment: [String: String] = TerminalOptions.processEnvironment) {
        self.environment = environment
    }

    /// The variables that matter here.
    package static var processEnvironment: [String: String] {
        var result: [String: String] = [:]
        for name in ["TERM", "COLORTERM", "NO_COLOR", "COLORFGBG", "ESCDELAY", "SSH_CONNECTION", "MICA_RESOURCES"] {
            result[name] = getenv(name).map { String(cString: $0) }
        }
        return result
    }

    /// How long an Escape waits for what may follow it. A slow line cuts sequences in pieces.
    var escapeDelay: Duration {
        if let text = environment["ESCDELAY"], let value = Int(text), (0...5000).contains(value) { return .milliseconds(value) }
        return .milliseconds(environment["SSH_CONNECTION"] == nil ? 50 : 100)
    }

    /// The folder with our terminfo entries: named by the environment, or beside the program.
    var terminfoFolder: String? {
        let bundle = "mica_Curses.resources/terminfo"
        var candidates = environment["MICA_RESOURCES"].map { ["\($0)/terminfo", "\($0)/\(bundle)"] } ?? []
        if let folder = TerminalOptions.programFolder { candidates += ["\(folder)/\(bundle)", "\(folder)/../share/mica/terminfo"] }
        return candidates.first { access("\($0)/m/\(TerminalProfile.directXterm)", R_OK) == 0 }
    }

    private static var programFolder: String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = readlink("/proc/self/exe", start, buffer.count)
            guard count > 0 else { return nil }
            let path = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return path.lastIndex(of: "/").map { String(path[..<$0]) }
        }
    }
}
