/// Why the workbench cannot use this terminal, in one line that says what to do.
package struct TerminalError: Error, Hashable, Sendable, CustomStringConvertible {
    package var description: String
    /// What the program exits with.
    package let exitCode: Int32 = 2

    init(_ text: String) { description = text }

    static let notATerminal = TerminalError(
        "the workbench needs a terminal, but standard input or output is not one. The subcommands (mica --help) work without.")
    static let unset = TerminalError("TERM is not set, so nothing is known about this terminal; try TERM=xterm-256color")

    static func noCursorMotion(_ term: String) -> TerminalError {
        TerminalError("the terminal '\(term)' cannot place its cursor, so no screen can be drawn; try TERM=xterm-256color")
    }

    static func cannotOpen(_ term: String) -> TerminalError {
        TerminalError("the terminal '\(term)' could not be opened; try TERM=xterm-256color")
    }
}
