import Engine
import Models
import Screen

extension Command {
    static let quirkCommands: [Command] = [
        Command("quirks", .whatIf, "published mistakes made with such a model; Space switches one on or off") {
            session, _ throws(CommandError) in
            guard session.model != nil else { throw CommandError("no model is open; use :open PATH") }
            session.overlay = .quirks(selection: 0)
            return []
        },
        Command("quirk", "QUIRK [on|off]", .whatIf, "switch a published mistake; what follows is computed again") {
            session, arguments throws(CommandError) in
            guard let name = arguments[0] else { throw CommandError("which one? Q lists them") }
            guard let word = arguments[1] else { return [.engine(.quirk(name))] }
            guard ["on", "off"].contains(word) else { throw CommandError("there are on, off") }
            return [.engine(.quirk(name, isOn: word == "on"))]
        },
    ]
}

extension Session {
    /// Keys of the list of quirks.
    mutating func quirksKey(_ key: Key, _ selection: Int) -> [Effect] {
        let listed = quirks.listed
        guard key.code == .enter || key == Key(" ") else {
            overlay = .quirks(selection: key.moved(selection, of: listed.count))
            return []
        }
        return listed[safe: selection].map { [.engine(.quirk($0.name))] } ?? []
    }

    mutating func receive(_ state: QuirkState) {
        let isOther = quirks.on != state.on
        quirks = state
        busy = nil
        guard isOther else { return }
        let names = state.on.isEmpty ? "no quirk is on" : "\(QuirkWords.sign) \(state.on.joined(separator: ", "))"
        say("\(names)  \(state.report.map { QuirkWords.effect($0, self) } ?? "the text runs anew")")
    }

    /// The quirks that are in the op of a value, or in an input of the model's.
    package func quirks(of value: ValueRef) -> [Quirk] {
        guard value.level == 0, !quirks.on.isEmpty, let program = snapshot?.stepper.program, let shown = program.values[safe: value.id]
        else {
            return []
        }
        let marks = program.marks[value.id] ?? []
        return Quirk.all.filter { marks.contains($0.name) || (quirks.on.contains($0.name) && $0.input == shown.name) }
    }
}
