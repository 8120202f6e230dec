import Engine
import Screen

/// Scripts of commands, as `:record` writes and `mica play` reads them: a command a line; `# hash NAME 0123…` says what a value was, so
/// that a replay can name the first one that differs.
package enum CommandScript {
    /// Commands that only begin a line, or the recording itself: what is typed into the line is recorded instead.
    private static let unrecorded: Set = [
        "record", "command", "search-line", "element-line", "edit-prompt", "edit-watch", "edit-value", "edit-tolerance",
    ]

    static func opensLine(_ command: Command) -> Bool { unrecorded.contains(command.name) }

    /// The line of a mouse event; dragging and releasing select nothing of their own.
    static func line(_ event: MouseEvent) -> String? {
        let place = "\(event.position.x) \(event.position.y)"
        switch event.action {
        case .press(.left), .drag(.left): return "click \(place)"
        case .wheelUp: return "wheel-up \(place)"
        case .wheelDown: return "wheel-down \(place)"
        default: return nil
        }
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

/// What brings another session to where this one is.
extension CommandScript {
    static func opening(_ session: Session) -> [String] {
        var lines = ["size \(session.size.width)x\(session.size.height)", "theme \(session.theme)"]
        guard let model = session.model else { return lines }
        lines.append("open \(model.path)")
        lines += adapter(session)
        guard let snapshot = session.snapshot else { return lines }
        lines += text(session, snapshot) + comparisons(session) + run(snapshot) + stops(session) + view(session) + place(session, snapshot)
        return lines
    }

    /// The adapter and its mode.
    private static func adapter(_ session: Session) -> [String] {
        guard let adapter = session.adapter, !adapter.folder.isEmpty else { return [] }
        var lines = ["adapter load \(adapter.folder)"]
        if adapter.mode.strength != 1 { lines.append("adapter scale \(adapter.mode.strength)") }
        switch adapter.mode.place {
        case .beside: break
        case .merged: lines.append("adapter merge")
        case .unloaded: lines.append("adapter unload")
        }
        return lines
    }

    /// The prompt and the tokens that were made after it.
    private static func text(_ session: Session, _ snapshot: RunSnapshot) -> [String] {
        let prompt = session.promptText
        let isOneLine = !prompt.isEmpty && !prompt.hasPrefix(" ") && !prompt.hasSuffix(" ") && !prompt.contains(where: \.isNewline)
        let ids = snapshot.ids.prefix(max(session.promptCount, 1)).map(String.init).joined(separator: ",")
        return [isOneLine ? "prompt \(prompt)" : "ids \(ids)"] + edits(session, snapshot.ids.count)
    }

    /// Runs aside, and edits between the tokens where they were made.
    private static func edits(_ session: Session, _ count: Int) -> [String] {
        var lines = session.edits.runs.map { "run \($0.name) = \($0.prompt)" }
        var tokens = session.promptCount
        for item in session.edits.items {
            lines += Array(repeating: "next-token", count: max(item.tokens - tokens, 0))
            tokens = max(tokens, item.tokens)
            lines.append(item.edit.description)
        }
        return lines + Array(repeating: "next-token", count: max(count - tokens, 0))
    }

    /// Runs that were held against this one; what was pinned earlier is no longer there.
    private static func comparisons(_ session: Session) -> [String] {
        let tolerance = session.compared.tolerance.nmse.map { ["compare tolerance \($0)"] } ?? []
        let words = session.comparedLines.compactMap(\.words)
        return words.isEmpty
            ? [] : tolerance + words.map { "compare " + $0.map { $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " ") }
    }

    /// The cursor of the pass, and the op that was stepped into from there.
    private static func run(_ snapshot: RunSnapshot) -> [String] {
        var lines: [String] = []
        let done = snapshot.stepper.cursor - snapshot.stepper.program.forwardCount
        if done > 0 {
            lines +=
                snapshot.stepper.isFinished
                ? ["backward end"] : stride(from: done, to: 0, by: -1000).map { "backward step \(min($0, 1000))" }
        } else if let next = snapshot.stepper.next, done < 0 {
            lines.append("run-to \(snapshot.stepper.program.values[next].name)")
        }
        guard let inner = snapshot.inner.first, let name = snapshot.entered.first else { return lines }
        lines.append("goto \(name)")
        if let cell = inner.cell { lines.append("at \(cell)") }
        lines.append("into")
        if inner.stepper.cursor > 0 { lines.append("step \(inner.stepper.cursor)") }
        return lines
    }

    private static func stops(_ session: Session) -> [String] {
        session.breakpoints.map { "break \($0.pattern)" } + session.watchpoints.map { "watch \($0.pattern) \($0.condition.words)" }
    }

    private static func view(_ session: Session) -> [String] {
        var lines = ["scale \(session.view.scale.rawValue)"]
        if session.view.range != .locked { lines.append("range \(session.view.range.rawValue)") }
        if session.view.isTransposed { lines.append("transpose") }
        if session.view.showsHex { lines.append("hex") }
        lines.append("token-colour \(session.tokens.colour.rawValue)")
        if let labels = session.tokens.labels { lines.append("labels \(labels ? "on" : "off")") }
        return lines
    }

    private static func place(_ session: Session, _ snapshot: RunSnapshot) -> [String] {
        var lines: [String] = []
        if session.place.value.level == 0, let name = session.selectedValue?.name { lines.append("goto \(name)") }
        if session.selectedValue != nil, session.place.value.level == snapshot.inner.count { lines.append("at \(session.cursorIndex)") }
        lines.append("modules " + session.tree.open.sorted().joined(separator: ","))
        lines += ["token \(session.tokenIndex)", "screen \(session.page.rawValue)"]
        lines += Array(repeating: "pane next", count: session.focus[session.page] ?? 0)
        return lines + (session.isZoomed ? ["zoom"] : [])
    }
}

extension Watchpoint.Condition {
    /// As `:watch` reads it.
    fileprivate var words: String {
        switch self {
        case .nonFinite: "nonfinite"
        case .absMax(let limit): "absmax \(limit)"
        case .std(let limit): "std \(limit)"
        case .changed(let limit): "changed \(limit)"
        case .normGrew(let factor): "grew \(factor)"
        }
    }
}

extension Session {
    /// Adds a line to the recording; keys pressed one after the other share one.
    mutating func record(_ line: String) {
        guard var lines = recording?.lines else { return }
        if line.hasPrefix("key "), let last = lines.last, last.hasPrefix("keys: ") {
            lines[lines.count - 1] = last + line.dropFirst(3)
        } else {
            lines.append(line.hasPrefix("key ") ? "keys:\(line.dropFirst(3))" : line)
        }
        recording?.lines = lines
    }

    /// What was recorded last went wrong: a replay may fail there too.
    mutating func recordFailure() {
        guard var lines = recording?.lines, let last = lines.last, !last.hasPrefix("try ") else { return }
        lines[lines.count - 1] = "try " + last
        recording?.lines = lines
    }
}
