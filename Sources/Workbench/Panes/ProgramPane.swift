import Engine
import Screen
import Tensors

/// The steps in running order with the cursor between them; inside an op, the op's own.
package enum ProgramPane: Pane {
    package static let name = "Program"

    package static func title(_ session: Session) -> String {
        session.snapshot?.inner.isEmpty == false ? "Inside \(session.enteredName)" : "Program"
    }

    package static func label(_ session: Session) -> String {
        session.snapshot.map { "\($0.walking.cursor)/\($0.walking.program.steps.count)" } ?? ""
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let snapshot = session.snapshot else { return }
        let walking = snapshot.walking
        let level = snapshot.inner.count
        let selected = session.place.value.level == level ? walking.program.values[safe: session.place.value.id]?.step : nil
        TreeView(
            count: walking.program.steps.count + 1, selection: focused ? selected ?? walking.cursor : walking.cursor, isFocused: focused,
            hasSigns: true
        ) { row in
            row == walking.program.steps.count
                ? TreeView.Row(Line("end", .dim), sign: sign(session, walking, row)) : step(session, walking, row)
        }.draw(into: &surface, in: area)
    }

    private static func step(_ session: Session, _ walking: Stepper, _ number: Int) -> TreeView.Row {
        let step = walking.program.steps[number]
        let value = walking.program.values[step.output]
        let role: Role = number < walking.cursor ? .text : .dim
        let detail = walking.statistics(step.output).map { "\(Numbers.compact(Double($0.absMax)))" } ?? "…"
        return TreeView.Row(
            Line(Names.short(value.name), number == walking.cursor ? .current : role), detail: Line(detail, .dim),
            sign: sign(session, walking, number))
    }

    /// `▶` before the next op, `●` where a breakpoint waits.
    private static func sign(_ session: Session, _ walking: Stepper, _ number: Int) -> Span? {
        if number == walking.cursor { return Span("▶", .current) }
        guard number < walking.program.steps.count, session.snapshot?.inner.isEmpty == true else { return nil }
        let value = walking.program.values[walking.program.steps[number].output]
        let isStop = session.breakpoints.contains { $0.stops(before: value) }
        if isStop { return Span("●", .breakpoint) }
        let output = ValueRef(id: walking.program.steps[number].output)
        if session.isEdited(output) { return Span("✎", .warn) }
        if !session.quirks(of: output).isEmpty { return Span(QuirkWords.sign, .warn) }
        return session.isOwnFormat(output) ? nil : Span("≠", .warn)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard let snapshot = session.snapshot else { return true }
        let program = snapshot.walking.program
        let level = snapshot.inner.count
        let now = session.place.value.level == level ? program.values[safe: session.place.value.id]?.step ?? 0 : 0
        let target: Int
        switch step {
        case .by(_, let dy): target = now + dy
        case .pages(let pages): target = now + Int(pages * 16)
        case .first: target = 0
        case .last: target = program.steps.count - 1
        default: return false
        }
        guard !program.steps.isEmpty else { return true }
        session.select(ValueRef(level: level, id: program.steps[min(max(target, 0), program.steps.count - 1)].output))
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("run-to") }
}

extension Array {
    /// The element, or nil outside.
    package subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}

extension Session {
    /// The name of the value whose op was stepped into.
    var enteredName: String {
        guard let entered = snapshot?.inner.last, let name = snapshot?.entered.last else { return "" }
        return "\(Names.short(name))\(entered.cell.map { " \($0)" } ?? "")"
    }
}
