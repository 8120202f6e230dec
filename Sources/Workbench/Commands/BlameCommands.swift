import Engine
import Screen
import Tensors

extension Command {
    static let blameCommands: [Command] = [
        Command(
            "blame", "[PRECISION] [op|kind|layer]", .whatIf, "which ops make the error of the logits in a format; measured one by one"
        ) { session, arguments throws(CommandError) in
            try session.needRun()
            var words = arguments.words
            let grouping = words.last.flatMap { Blamer.Grouping(rawValue: $0) }
            if grouping != nil { words.removeLast() }
            guard words.count < 2 else { throw CommandError("takes a precision and op, kind or layer") }
            let policies = try session.blamed(words.first)
            return [.engine(.blame(.begin(low: policies.low, high: policies.high, by: grouping ?? .op)))]
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
    /// The run's own formats, or bf16 where they are fp32, against fp32; fp32 itself against fp64.
    fileprivate func blamed(_ name: String?) throws(CommandError) -> (low: Policy, high: Policy) {
        let own = snapshot?.stepper.policy ?? Policy()
        var (low, high) = (own, Policy(.fp32, threads: own.threads))
        low.rules += low.live
        low.live = []
        if let name {
            do throws(PolicyError) {
                let text = Policy.Preset(rawValue: name)?.text ?? (NumberFormat.named(name).map { "* \($0)" } ?? "\(name) ")
                low = Policy(rules: try Policy.rules(from: text), threads: own.threads)
            } catch { throw CommandError("there is no precision '\(name)'; there are presets and formats, such as bf16 and fp8e4m3") }
            if name == "fp32" { high = Policy(.fp64, threads: own.threads) }
        } else if low.rules.isEmpty {
            low = Policy(.bf16, threads: own.threads)
        }
        return (low, high)
    }

    mutating func receive(_ state: BlameState) {
        busy = state.isRunning ? "measured \(state.blame.entries.count) of \(state.total); C-c stops" : nil
        let isNew = blame == nil || blame?.isRunning == false
        blame = state
        if isNew, state.isRunning { overlay = .blame(selection: 0) }
    }

    mutating func blameKey(_ key: Key, _ selection: Int) -> [Effect] {
        let entries = blame?.blame.sorted ?? []
        guard key.code == .enter else {
            overlay = .blame(selection: min(max(selection + key.scroll, 0), max(entries.count - 1, 0)))
            return []
        }
        guard let entry = entries[safe: selection], let name = blame?.values[entry.name], let value = value(named: name) else { return [] }
        overlay = nil
        remember()
        select(value, remember: false)
        return []
    }

    /// Goes to the element, and says what happened there.
    mutating func receive(_ report: WhyReport) {
        busy = nil
        guard let why = report.why, let program = snapshot?.stepper.program, let value = program.values[safe: why.value] else {
            return say("every number is one, and what its op gives but for rounding")
        }
        remember()
        select(ValueRef(id: why.value), remember: false)
        moveCursor(to: why.index)
        let lines = why.sentences.flatMap { Prose.wrap($0, width: max(30, min(90, size.width - 10))).map(\.text) }
        overlay = .text(title: "Why: \(Names.short(value.name)) \(why.index)", lines: lines, scroll: 0)
    }
}
