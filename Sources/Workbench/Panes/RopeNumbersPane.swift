import Screen

/// q before and after, pair by pair.
package enum RopeNumbersPane: Pane {
    package static let name = "Numbers"

    package static func title(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return "q" }
        let sign = session.formatSign(among: [focus.values.turnedQ, focus.values.q])
        return "\(sign)q before and after  H\(focus.head)  m=\(focus.position)"
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.ropeFocus, focus.values.dimension > 2 * focus.values.pairs else { return "" }
        return "dimensions from \(2 * focus.values.pairs) on stay"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { session.ropeFocus.map { session.ropeRequests($0) } ?? [] }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.ropeFocus, let turn = session.ropeTurn(focus) else { return }
        table(focus, turn, focused).draw(into: &surface, in: area.inset(1, 0))
    }

    private static func table(_ focus: RopeFocus, _ turn: RopeTurn, _ isFocused: Bool) -> TableView {
        let wide = ["turns", "x", "y", "x′", "y′", "length"].map { TableView.Column($0, width: .rest, align: .right) }
        let columns = [TableView.Column("pair", width: .fixed(4), align: .right)] + wide
        return TableView(columns, count: turn.pairs.count, selection: focus.pair, isFocused: isFocused) { row in
            let pair = turn.pairs[row]
            return [Span("\(row)", .dim), Span(RopeFormulaPane.turns(pair), .dim)]
                + pair.before.map { Span(number($0), role($0, .series1)) } + pair.after.map { Span(number($0), role($0, .series0)) }
                + [Span(number((pair.after[0] * pair.after[0] + pair.after[1] * pair.after[1]).squareRoot()), .dim)]
        }
    }

    private static func number(_ value: Double) -> String { Numbers.fitting(value, columns: 7) ?? "·" }
    private static func role(_ value: Double, _ role: Role) -> Role {
        value.isFinite ? role : value.isNaN ? .nan : value > 0 ? .posInf : .negInf
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let focus = session.ropeFocus, let turn = session.ropeTurn(focus) else { return }
        if let row = table(focus, turn, true).index(at: point, in: area.inset(1, 0)) { session.rope.pair = row }
    }
}
