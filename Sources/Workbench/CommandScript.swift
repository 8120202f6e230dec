import Screen

/// Scripts of commands, as `:record` writes and `mica play` reads them: a command a line; `# hash NAME 0123…` after it says what a value
/// was, so that a replay can name the first one that differs.
package enum CommandScript {
    /// What brings another session to where this one is.
    static func opening(_ session: Session) -> [String] {
        var lines: [String] = []
        if let path = session.model?.path { lines.append("open \(path)") }
        if !session.promptText.isEmpty {
            lines.append("prompt \(session.promptText)")
        } else if let ids = session.snapshot?.ids {
            lines.append("ids " + ids.map(String.init).joined(separator: ","))
        }
        return lines
    }

    static func text(_ log: CommandLog, _ session: Session) -> String { (log.lines + hashes(session)).joined(separator: "\n") + "\n" }

    /// The hash of every value computed so far, in running order.
    package static func hashes(_ session: Session) -> [String] {
        guard let stepper = session.snapshot?.stepper else { return [] }
        return stepper.program.steps.compactMap { step in
            stepper.statistics(step.output).map { "# hash \(stepper.program.values[step.output].name) \(String($0.hash, radix: 16))" }
        }
    }
}
