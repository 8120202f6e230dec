import Glibc
import Screen

/// A terminal made of a pair of files: a program sees one end as its terminal, a test holds the other.
final class PseudoTerminal {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private(set) var master: Int32
    let path: String

    init(size: Size) throws {
        // What posix_openpt, unlockpt and ptsname do, which Swift does not see.
        let (unlock, askNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
        var (locked, number): (Int32, UInt32) = (0, 0)
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        guard master >= 0, ioctl(master, unlock, &locked) == 0, ioctl(master, askNumber, &number) == 0 else {
            throw Failure(description: "no pseudo terminal: \(String(cString: strerror(errno)))")
        }
        path = "/dev/pts/\(number)"
        resize(size)
    }

    deinit { close() }

    /// Hangs up, as a closed window does.
    func close() {
        guard master >= 0 else { return }
        _ = Glibc.close(master)
        master = -1
    }

    func resize(_ size: Size) {
        var value = winsize(ws_row: UInt16(size.height), ws_col: UInt16(size.width), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &value)
    }

    /// The modes as `stty -a` would show them.
    var modes: TerminalSettings {
        var value = termios()
        _ = tcgetattr(master, &value)
        return TerminalSettings(value)
    }

    /// The process group that has the terminal.
    var foreground: pid_t { tcgetpgrp(master) }

    func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(master, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }

    /// What came, after waiting for at most `milliseconds`; nil when the other end is closed.
    func read(milliseconds: Int32) -> [UInt8]? {
        var file = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard poll(&file, 1, milliseconds) > 0 else { return [] }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(master, &buffer, buffer.count)
        return count > 0 ? Array(buffer.prefix(count)) : nil
    }

    /// Starts a program in a session of its own with this as its terminal.
    func start(_ program: String, _ arguments: [String], environment: [String: String]) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The first terminal a session leader opens becomes its controlling terminal.
        posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        PseudoTerminal.useFreshSignals(&attributes)
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (words + variables).forEach { free($0) } }
        var process: pid_t = 0
        let error = posix_spawn(&process, program, &actions, &attributes, words, variables)
        guard error == 0 else { throw Failure(description: "cannot start \(program): \(String(cString: strerror(error)))") }
        return process
    }

    /// A new session, and no signal handled, ignored or blocked as the test runner may have it.
    private static func useFreshSignals(_ attributes: inout posix_spawnattr_t) {
        let newSession: Int32 = 0x80
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(newSession | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)))
    }
}

/// What `stty -a` shows of a terminal, comparable.
struct TerminalSettings: Hashable, CustomStringConvertible {
    private let flags: [UInt32]
    private let characters: [UInt8]

    init(_ value: termios) {
        flags = [value.c_iflag, value.c_oflag, value.c_cflag, value.c_lflag]
        characters = withUnsafeBytes(of: value.c_cc) { Array($0) }
    }

    var description: String { flags.map { String($0, radix: 16) }.joined(separator: ":") }
}
