import Engine
import Screen
import Tensors

extension Command {
    static let blameCommands: [Command] = [
        Command(
            "blame", "[PRECISION [HIGH]] [op|kind|layer] | keep-within TOLERANCE [PRECISION [HIGH]] | apply | save FILE", .whatIf,
            "which ops make the error of the logits in a format, measured one by one; or the fewest values that must stay wide for kl<1e-3"
        ) { session, arguments throws(CommandError) in
            try session.needRun()
            switch arguments[0] {
            case "keep-within": return [.engine(.blame(try Session.keepWithin(Array(arguments.words.dropFirst()))))]
            case "apply": return [.engine(.precision(.replace(try session.keptPolicy().rules)))]
            case "save":
                guard let path = arguments[1] else { throw CommandError("in which file?") }
                return [.write(try session.keptPolicy().text, to: path)]
            default: return [.engine(.blame(try Session.measure(arguments.words)))]
            }
        },
        Command("why", .whatIf, "where the first NaN, infinity or wrong number came from, forward or backward") {
            session, _ throws(CommandError) in
            if session.training != nil { return [.engine(.training(.why))] }
            try session.needRun()
            return [.engine(.blame(.why))]
        },
    ]
}

extension Session {
    fileprivate static func measure(_ words: [String]) throws(CommandError) -> BlameRequest {
        var words = words
        let grouping = words.last.flatMap { Blamer.Grouping(rawValue: $0) }
        if grouping != nil { words.removeLast() }
        guard words.count < 3 else { throw CommandError("takes a precision, one to hold it against, and op, kind or layer") }
        return .begin(low: words.first, high: words.dropFirst().first, by: grouping ?? .op)
    }

    fileprivate static func keepWithin(_ words: [String]) throws(CommandError) -> BlameRequest {
        guard let first = words.first, words.count < 4 else {
            throw CommandError("within what? such as kl<1e-3, nmse<1e-4, top1 or finite")
        }
        do throws(PolicyError) {
            return .keep(try EffectBound(first), low: words.dropFirst().first, high: words.dropFirst(2).first)
        } catch { throw CommandError(error.rule) }
    }

    /// What the last search found.
    fileprivate func keptPolicy() throws(CommandError) -> KeepState {
        guard let kept else { throw CommandError("nothing was searched yet: :blame keep-within kl<1e-3") }
        guard !kept.isRunning else { throw CommandError("the search goes on; C-c stops it") }
        return kept
    }

    mutating func receive(_ state: BlameState) {
        show("measured", state.blame.entries.count, of: state.total, state.isRunning, wasRunning: blame?.isRunning, .blame(selection: 0))
        blame = state
    }

    mutating func blameKey(_ key: Key, _ selection: Int) -> [Effect] {
        let entries = blame?.blame.sorted ?? []
        guard key.code == .enter else {
            overlay = .blame(selection: key.moved(selection, of: entries.count))
            return []
        }
        guard let entry = entries[safe: selection], let name = blame?.values[entry.name], let value = value(named: name) else { return [] }
        leaveBox(for: value)
        return []
    }

    private mutating func leaveBox(for value: ValueRef) {
        overlay = nil
        remember()
        select(value, remember: false)
    }

    mutating func receive(_ state: KeepState) {
        show("decided on", state.done, of: state.total, state.isRunning, wasRunning: kept?.isRunning, .kept(selection: 0))
        kept = state
    }

    /// How far a piece of work has come; the box opens when it begins.
    private mutating func show(_ did: String, _ done: Int, of total: Int, _ isRunning: Bool, wasRunning: Bool?, _ box: OverlayState) {
        busy = isRunning ? "\(did) \(done) of \(total); C-c stops" : nil
        if isRunning, wasRunning != true { overlay = box }
    }

    /// Enter goes to the value, `a` puts the policy into the run, `w` begins to save it.
    mutating func keptKey(_ key: Key, _ selection: Int) -> [Effect] {
        let units = kept?.kept ?? []
        switch key {
        case Key("a"):
            overlay = nil
            return execute("blame apply")
        case Key("w"):
            overlay = nil
            line = LineEditor(.command, text: "blame save ")
        case _ where key.code == .enter:
            guard let unit = units[safe: selection], let value = value(named: unit.name) else { return [] }
            leaveBox(for: value)
        default: overlay = .kept(selection: key.moved(selection, of: units.count))
        }
        return []
    }

    /// Goes to the element, and says what happened there.
    mutating func receive(_ report: WhyReport) {
        busy = nil
        guard let why = report.why, let program = snapshot?.stepper.program, let value = program.values[safe: why.value] else {
            return say("no NaN, no infinity, and every number is what its op gives but for rounding")
        }
        remember()
        select(ValueRef(id: why.value), remember: false)
        moveCursor(to: why.index)
        let lines = why.sentences.flatMap { Prose.wrap($0, width: max(30, min(90, size.width - 10))).map(\.text) }
        overlay = .text(title: "Why: \(Names.short(value.name)) \(why.index)", lines: lines, scroll: 0)
    }
}
