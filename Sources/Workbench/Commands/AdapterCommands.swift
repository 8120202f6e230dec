import Engine
import Models
import Screen

extension Command {
    static let adapterCommands: [Command] = [
        Command(
            "adapter", "[load FOLDER|scale S|on|off|merge|unload|undo]", .whatIf,
            "the adapter's strength and place, live; alone: what it does to each layer"
        ) { session, arguments throws(CommandError) in
            guard let word = arguments[0] else {
                guard session.adapter != nil else { throw CommandError("the model has no adapter; :adapter load FOLDER") }
                session.overlay = .adapter
                return []
            }
            return [.engine(.adapter(try session.adapterCommand(word, arguments)))]
        },
        Command("before-after", "[TEXT]", .whatIf, "how the base and the trained model go on with a text, side by side") {
            session, arguments in
            let prompt = arguments.text.isEmpty ? session.comparedPrompt : .text(arguments.text)
            return [.engine(.beforeAfter(prompt, limit: 64))]
        },
    ]
}

extension Session {
    fileprivate func adapterCommand(_ word: String, _ arguments: CommandArguments) throws(CommandError) -> AdapterCommand {
        let strength = adapter?.mode.strength ?? 1
        switch word {
        case "load":
            let folder = arguments.text.dropFirst(word.count).trimmingCharacters(in: .whitespaces)
            guard !folder.isEmpty else { throw CommandError("which folder?") }
            return .load(folder: folder)
        case "scale":
            let wanted = try arguments.number(1)
            guard wanted.isFinite, abs(wanted) <= 1000 else { throw CommandError("a strength from -1000 to 1000; 1 is as it was trained") }
            return .mode(AdapterMode(strength: wanted))
        case "on": return .mode(AdapterMode())
        case "off": return .mode(AdapterMode(strength: 0))
        case "merge": return .mode(AdapterMode(strength: strength, place: .merged))
        case "unload": return .mode(AdapterMode(strength: strength, place: .unloaded))
        case "undo": return .undo
        default: throw CommandError("'\(word)' is none of load, scale, on, off, merge, unload, undo")
        }
    }

    /// The prompt on the screen, or in a walk, whose text is a row of the batch, the one that samples are written from.
    fileprivate var comparedPrompt: Prompt {
        if let training, training.walk != nil { return .text(training.settings.samplePrompt) }
        return promptText.isEmpty ? .ids(Array((snapshot?.ids ?? []).prefix(max(promptCount, 1)))) : .text(promptText)
    }

    mutating func receive(_ state: BeforeAfter) {
        beforeAfter = state
        busy = nil
        guard state.before.tokens.isEmpty, state.after.tokens.isEmpty, state.isRunning else { return }
        overlay = .beforeAfter(scroll: 0)
    }

    /// Keys of the box: what they ask for is what the commands ask for.
    mutating func adapterKey(_ key: Key) -> [Effect] {
        guard let strength = adapter?.mode.strength else { return [] }
        switch key.code {
        case .character("+"): return execute("adapter scale \(strength + 0.25)")
        case .character("-"): return execute("adapter scale \(strength - 0.25)")
        case .character("o"): return execute(adapter?.mode == AdapterMode(strength: 0) ? "adapter on" : "adapter off")
        case .character("m"): return execute("adapter merge")
        case .character("n"): return execute("adapter unload")
        case .character("u"): return execute("adapter undo")
        default: return []
        }
    }

    mutating func receive(_ state: AdapterState?) {
        let changes = adapter?.changes
        adapter = state
        busy = nil
        if state == nil, overlay == .adapter { overlay = nil }
        guard let state, let report = state.report, state.changes != changes else { return }
        say("adapter \(state.mode.words)  \(EditWords.summary(report, self))")
    }
}
