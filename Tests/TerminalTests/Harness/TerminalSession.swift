import Glibc
import Screen
import Testing

/// A program running in a pseudo terminal, with the screen that a user would see.
///
/// Nothing here sleeps and hopes: each wait ends when a condition holds, and fails the test after ten seconds.
final class TerminalSession {
    let terminal: PseudoTerminal
    let process: pid_t
    /// The terminal's settings before the program came.
    let before: TerminalSettings
    private(set) var screen: VirtualScreen
    private(set) var received = 0
    private var status: Int32?
    /// Whether questions of the program are answered, as real terminals do.
    private let answers: Bool

    init(
        size: Size = Size(80, 24), program: String? = nil, arguments: [String] = [], environment: [String: String?] = [:],
        answers: Bool = true
    ) throws {
        let path = try #require(program ?? ProgramUnderTest.path, "mica was not built")
        terminal = try PseudoTerminal(size: size)
        before = terminal.modes
        screen = VirtualScreen(size: size)
        self.answers = answers
        var variables = ProgramUnderTest.environment
        for (name, value) in environment { variables[name] = value }
        process = try terminal.start(path, arguments, environment: variables)
    }

    deinit {
        terminal.close()
        if status == nil {
            kill(process, SIGKILL)
            waitpid(process, nil, 0)
        }
    }

    // MARK: Talking

    func type(_ text: String) { terminal.write(Array(text.utf8)) }

    func resize(_ size: Size) {
        // What comes from now on is meant for the new size, or soon corrected.
        pump(0)
        terminal.resize(size)
        screen.resize(size)
    }

    /// Takes what the program sends for a while; false when its end is closed.
    @discardableResult
    func pump(_ milliseconds: Int32) -> Bool {
        guard let bytes = terminal.read(milliseconds: milliseconds) else { return false }
        received += bytes.count
        screen.feed(bytes)
        if answers, !screen.replies.isEmpty { terminal.write(screen.replies) }
        screen.replies = []
        return true
    }

    /// Goes on until a condition holds.
    @discardableResult
    func wait(
        for what: Comment, seconds: Double = 10, _ location: SourceLocation = #_sourceLocation, until condition: (VirtualScreen) -> Bool
    ) -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !condition(screen) {
            guard deadline > .now, pump(20) || condition(screen) else {
                Issue.record("no \(what) within \(seconds) s; the screen:\n\(screen.text)", sourceLocation: location)
                return false
            }
        }
        return true
    }

    /// Goes on until nothing was sent for a while; the bytes that came.
    @discardableResult
    func settle(_ milliseconds: Int = 150, _ location: SourceLocation = #_sourceLocation) -> Int {
        let (start, deadline) = (received, ContinuousClock.now + .seconds(10))
        var quiet = ContinuousClock.now
        while quiet + .milliseconds(milliseconds) > .now, deadline > .now {
            let count = received
            guard pump(10) else { break }
            if received != count { quiet = .now }
        }
        return received - start
    }

    /// The program has drawn its first screen.
    @discardableResult
    func waitForStart(_ location: SourceLocation = #_sourceLocation) -> Bool {
        let started = wait(for: "first screen", location) { $0.lines.contains { !$0.isEmpty } }
        settle()
        return started
    }

    /// The model is open and its prompt was run to the end.
    @discardableResult
    func waitForRun(_ location: SourceLocation = #_sourceLocation) -> Bool {
        let ended = wait(for: "end of the run", seconds: 30, location) { $0.lines.dropLast().last?.contains("■") == true }
        settle()
        return ended
    }

    // MARK: The end

    /// The exit status as a shell gives it: 128 and the signal for a process that was killed.
    func waitForEnd(seconds: Double = 20, _ location: SourceLocation = #_sourceLocation) -> Int32? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while status == nil, deadline > .now {
            if terminal.master >= 0 { pump(10) } else { usleep(10_000) }
            var value: Int32 = 0
            if waitpid(process, &value, WNOHANG) == process { status = value & 0x7F == 0 ? value >> 8 & 0xFF : 128 + value & 0x7F }
        }
        if status == nil { Issue.record("the program has not ended within \(seconds) s", sourceLocation: location) }
        while terminal.master >= 0, pump(0), terminalHasMore {}
        return status
    }

    private var terminalHasMore: Bool {
        var file = pollfd(fd: terminal.master, events: Int16(POLLIN), revents: 0)
        return poll(&file, 1, 50) > 0 && file.revents & Int16(POLLIN) != 0
    }

    /// Checks that the terminal is as the program found it.
    func expectRestored(_ location: SourceLocation = #_sourceLocation) {
        var faults: [String] = []
        if screen.isSecondScreen { faults.append("the second screen is shown") }
        if !screen.modes.contains(25) { faults.append("the cursor is hidden") }
        let left = screen.modes.intersection([1, 1000, 1002, 1003, 1006, 2004, 2026])
        if !left.isEmpty { faults.append("modes \(left) are on") }
        if screen.hasApplicationKeypad { faults.append("the keypad's mode is on") }
        if !screen.unknown.isEmpty { faults.append("no terminal knows \(screen.unknown)") }
        let after = terminal.modes
        if after != before { faults.append("stty differs: \(before) became \(after)") }
        if !faults.isEmpty { Issue.record("\(faults.joined(separator: "; "))", sourceLocation: location) }
    }

    /// Checks what the screen says.
    func expectText(_ text: String, _ expected: Bool = true, _ location: SourceLocation = #_sourceLocation) {
        guard screen.text.contains(text) != expected else { return }
        Issue.record("'\(text)' is \(expected ? "not " : "")on the screen:\n\(screen.text)", sourceLocation: location)
    }

    /// The processes of the session: the one that was started and those it started.
    var processes: [pid_t] {
        var found = [process]
        var index = 0
        while index < found.count {
            let text = ProcessFiles.text("/proc/\(found[index])/task/\(found[index])/children")
            found += text.split(separator: " ").compactMap { pid_t($0) }
            index += 1
        }
        return found
    }
}

/// Files of the kernel about processes.
enum ProcessFiles {
    static func text(_ path: String, limit: Int = 4096) -> String {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = read(file, &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Whether a process is there, and not only waits for its parent to ask how it ended.
    static func isRunning(_ process: pid_t) -> Bool {
        let state = text("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ").first
        return state != nil && state != "Z"
    }

    /// Processor time used, in milliseconds.
    static func processorTime(_ process: pid_t) -> Int {
        // The name in parentheses may hold anything.
        let fields = text("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Int(fields[11]), let system = Int(fields[12]) else { return 0 }
        return (user + system) * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }
}
