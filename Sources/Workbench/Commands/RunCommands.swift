import Engine
import Screen

extension Command {
    static let runCommands: [Command] = [
        Command("step", "[N]", .run, "run the next op, or N of them") { session, arguments throws(CommandError) in
            let step = try session.onward(.step)
            return Array(repeating: step, count: min(max(try arguments.integer(0, default: 1), 1), 1000))
        },
        Command("step-back", "[N]", .run, "forget the last op's value, or N of them") { session, arguments throws(CommandError) in
            try session.needRun()
            return Array(repeating: .engine(.stepBack), count: min(max(try arguments.integer(0, default: 1), 1), 1000))
        },
        Command("into", .run, "step into the op of the selected value, at the cursor's cell") { session, _ throws(CommandError) in
            try session.needRun()
            session.remember()
            if session.page == .gradient, session.isDifferentiated { session.selectGradient() }
            return [.engine(.stepInto(session.place.value, index: session.cursorIndex))]
        },
        Command("out", .run, "leave the op that was stepped into") { session, _ throws(CommandError) in
            if session.snapshot?.inner.isEmpty != false, session.training?.walk != nil { return [.engine(.training(.leave))] }
            guard session.snapshot?.inner.isEmpty == false else { throw CommandError("the run is not inside an op") }
            return [.engine(.stepOut)]
        },
        Command("over", .run, "run to the end of the block that the next op belongs to") { session, _ throws(CommandError) in
            [try session.onward(.overBlock)]
        },
        Command("run", aliases: ["continue"], "[B = \"TEXT\"]", .run, "run to the end, or pause; or run a prompt aside to copy from") {
            session, arguments throws(CommandError) in
            if !arguments.text.isEmpty { return [try session.runAside(arguments.text)] }
            try session.needRun()
            if session.snapshot?.isRunning == true { return [.engine(.cancel)] }
            return [try session.onward(.end)]
        },
        Command("run-to", "[NAME]", .run, "run, or go back, until the selected or named value is next") {
            session, arguments throws(CommandError) in
            try session.needRun()
            if arguments[0] == nil, let effect = session.runToGradient() { return [effect] }
            let value = try session.value(in: arguments)
            guard let written = session.snapshot?.stepper.program.values[value.id], written.step != nil else {
                throw CommandError("\(session.snapshot?.stepper.program.values[value.id].name ?? "it") is given, no op writes it")
            }
            return [.engine(.runTo(value.id, walksBack: false))]
        },
        Command("run-layer", "N", .run, "run to the first op of layer N") { session, arguments throws(CommandError) in
            try session.needRun()
            return [.engine(.run(.layer(try arguments.integer(0))))]
        },
        Command("restart", .run, "start the prompt over, before its first op") { session, _ throws(CommandError) in
            try session.needRun()
            return [.engine(.restart)]
        },
        Command("next-token", .run, "finish the pass, take the likeliest token and run its pass with the cache") {
            session, _ throws(CommandError) in
            try session.needRun()
            return [.engine(.nextToken)]
        },
        Command("previous-token", .run, "back to the pass before the last token") { session, _ throws(CommandError) in
            try session.needRun()
            return [.engine(.previousToken)]
        },
        Command("break", "[PATTERN]", .run, "stop before values that match (default: the selected one); again takes it away") {
            session, arguments throws(CommandError) in
            guard let name = arguments[0] ?? session.stopName else { throw CommandError("no value is selected") }
            let point = Engine.Breakpoint(NamePattern(name))
            let before = session.breakpoints.count
            session.breakpoints.removeAll { $0 == point }
            if session.breakpoints.count == before { session.breakpoints.append(point) }
            session.say("breakpoint \(session.breakpoints.count < before ? "gone" : "set"): \(name)")
            return session.sendStops()
        },
        Command("watch", "PATTERN nonfinite|absmax|std|changed [LIMIT]", .run, "stop when a value meets the condition") {
            session, arguments throws(CommandError) in
            guard let name = arguments[0] else {
                throw CommandError("which values? for example :watch * nonfinite, :watch *.mlp absmax 50")
            }
            session.watchpoints.append(Watchpoint(NamePattern(name), try Command.condition(arguments)))
            session.say("watching: \(session.watchpoints.last?.description ?? "")")
            return session.sendStops()
        },
        Command("edit-watch", .run, "begin a watch on the selected value") { session, _ throws(CommandError) in
            session.line = LineEditor(.command, text: "watch \(session.stopName ?? "*") absmax ")
            return []
        },
        Command("stops", .run, "list breakpoints and watchpoints") { session, _ throws(CommandError) in
            let lines = session.breakpoints.map { "break \($0.pattern)" } + session.watchpoints.map { "watch \($0)" }
            session.overlay = .text(title: "Stops", lines: lines.isEmpty ? ["none; b sets a breakpoint, w a watchpoint"] : lines, scroll: 0)
            return []
        },
        Command("clear-stops", .run, "take all breakpoints and watchpoints away") { session, _ throws(CommandError) in
            (session.breakpoints, session.watchpoints) = ([], [])
            return session.sendStops()
        },
        Command("cancel", .run, "stop what is running; never quits") { session, _ throws(CommandError) in
            session.gradient.check = nil
            if session.snapshot?.isRunning != true && session.busy == nil { session.say("nothing is running — :q or q quits") }
            return [.engine(.cancel)]
        },
    ]

    private static func condition(_ arguments: CommandArguments) throws(CommandError) -> Watchpoint.Condition {
        switch arguments[1] ?? "nonfinite" {
        case "nonfinite": return .nonFinite
        case "absmax": return .absMax(over: Float(try arguments.number(2)))
        case "std": return .std(over: try arguments.number(2))
        case "changed": return .changed(by: arguments[2] == nil ? 0 : Float(try arguments.number(2)))
        case "grew": return .normGrew(over: arguments[2] == nil ? 10 : try arguments.number(2))
        case let word: throw CommandError("'\(word)' is no condition; there are nonfinite, absmax, std, changed, grew")
        }
    }
}

extension CommandError {
    static let atTheEnd = CommandError("the run stands at its end: S steps back, R starts over, > makes the next token")
}

extension Session {
    func needRun() throws(CommandError) { if snapshot == nil { throw CommandError("nothing runs yet; :open a model") } }

    func sendStops() -> [Effect] { [.engine(.stops(breakpoints: breakpoints, watchpoints: watchpoints))] }

    /// The named value of the model's program, or the selected one.
    func value(in arguments: CommandArguments) throws(CommandError) -> ValueRef {
        guard let name = arguments[0] else {
            guard place.value.level == 0 else { throw CommandError("leave the op first (X)") }
            return place.value
        }
        guard let value = value(named: name) else { throw CommandError("there is no value '\(name)'; / finds names") }
        return value
    }
}

extension Command {
    init(
        _ name: String, aliases: [String] = [], _ group: Group, _ help: String,
        run: @escaping @Sendable (inout Session, CommandArguments) throws(CommandError) -> [Effect]
    ) {
        self.init(name, aliases: aliases, "", group, help, run: run)
    }
}
