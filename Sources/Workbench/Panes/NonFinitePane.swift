import Engine
import Screen

/// Where the first NaN or infinity of the run came from: which inputs, which operation, and how far it went.
package enum NonFinitePane: Pane {
    package static let name = "First NaN or Inf"
    package static func title(_ session: Session) -> String { name }

    package static func label(_ session: Session) -> String {
        session.firstNonFinite == nil ? "" : "Enter goes there"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.firstNonFinite.map { [.numerics(.cause($0))] } ?? []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        for (row, line) in lines(session).prefix(area.height).enumerated() {
            surface.put(area.x + 1, area.y + row, line, width: area.width - 2)
        }
    }

    private static func lines(_ session: Session) -> [Line] {
        guard let shown = session.shown else { return [] }
        guard let first = session.firstNonFinite else {
            return [[Span("✓ ", .ok), Span(shown.cursor == 0 ? "nothing has been computed yet" : "every number so far is finite", .dim)]]
        }
        guard let found = session.nonFinite else {
            let name = Names.short(shown.program.values[first.id].name)
            if case .failed(let why)? = session.answers[.numerics(.cause(first))] { return [Line("\(name): \(why)", .warn)] }
            return [Line("\(name): looking for the cause…", .dim)]
        }
        let sign: Span = found.number.isNaN ? Span("N ", .nan) : found.number > 0 ? Span("▲ ", .posInf) : Span("▼ ", .negInf)
        let head: Line = [sign, Span(NonFiniteWords.place(found, shown.program), .emphasis)]
        let because = [NonFiniteWords.cause(found, shown.program), NonFiniteWords.terms(found)].compactMap(\.self)
        let sources = NonFiniteWords.sources(found, shown.program).prefix(3).map { Line("    reads \($0)", .dim) }
        return [head] + because.map { Line("  \($0)", .formula) } + [Line("  \(NonFiniteWords.spread(found))", .warn)] + sources
    }

    /// To the number itself; there, to what it was computed from.
    package static func activate(_ session: inout Session) -> [Effect] {
        guard let value = session.firstNonFinite, let found = session.nonFinite else { return [] }
        if session.place.value == value, session.cursorIndex == found.index { return session.execute("lineage") }
        session.remember()
        session.select(value, remember: false)
        session.moveCursor(to: found.index)
        return []
    }
}
