import Engine
import Screen

extension Command {
    static let compareCommands: [Command] = [
        Command(
            "compare",
            "[policy NAME|FILE] [quirk NAME,…|none] [kernel NAME PATTERN] [edits FILE|none] [dump FILE] [PATH] [as NAME] | drop [N|all] | tolerance [NMSE]",
            .whatIf, "hold a run that differs in this against the present one; alone: like pin"
        ) { session, arguments throws(CommandError) in
            try session.needRun()
            session.open(.compare)
            switch arguments[0] {
            case nil: return [.engine(.compare(.pin(name: nil)))]
            case "drop": return [.engine(.compare(.drop(try session.droppedLine(arguments))))]
            case "tolerance": return [.engine(.compare(.tolerance(try Session.tolerance(arguments))))]
            default: return [.engine(.compare(.against(try CompareVariant(arguments.words))))]
            }
        },
        Command(
            "diff", "PATH [quirk NAME,…] [policy NAME|FILE]", .whatIf,
            "hold another checkpoint, or a safetensors dump from PyTorch, against the run"
        ) {
            session, arguments throws(CommandError) in
            try session.needRun()
            guard !arguments.words.isEmpty else { throw CommandError("which folder or file?") }
            session.open(.compare)
            return [.engine(.compare(.against(try CompareVariant(arguments.words))))]
        },
        Command(
            "pin", "[NAME]", .whatIf, "keep this run for Compare: the first is what others are held against, the next are held against it"
        ) {
            session, arguments throws(CommandError) in
            try session.needRun()
            session.open(.compare)
            return [.engine(.compare(.pin(name: arguments.text.isEmpty ? nil : arguments.text)))]
        },
        Command("beyond", "[next|previous]", .find, "on Compare: the next value beyond the tolerance") {
            session, arguments throws(CommandError) in
            try session.nextBeyond(forward: arguments[0] != "previous")
            return []
        },
        Command("compare-axis", "[layers|values]", .view, "on Compare: the error by layer, or of every value in running order") {
            session, arguments throws(CommandError) in
            session.compare.axis = try Command.choice(arguments[0], session.compare.axis)
            return []
        },
        Command("edit-tolerance", .whatIf, "begin to set the tolerance of comparisons") { session, _ throws(CommandError) in
            session.line = LineEditor(.command, text: "compare tolerance ")
            return []
        },
    ]
}

extension Session {
    /// `drop N`, `drop all`; alone: the selected one.
    fileprivate func droppedLine(_ arguments: CommandArguments) throws(CommandError) -> Int? {
        guard arguments[1] != "all" else { return nil }
        guard !comparedLines.isEmpty else { throw CommandError("there is nothing to drop") }
        let number = try arguments.integer(1, default: comparedLineIndex + 1)
        guard comparedLines.indices.contains(number - 1) else { throw CommandError("there are runs 1…\(comparedLines.count), or all") }
        return number - 1
    }

    /// A number, or none: by the formats.
    fileprivate static func tolerance(_ arguments: CommandArguments) throws(CommandError) -> Double? {
        guard arguments[1] != nil else { return nil }
        let nmse = try arguments.number(1)
        guard nmse >= 0 else { throw CommandError("a normalised mean squared error from 0, such as 1e-6") }
        return nmse
    }
}
