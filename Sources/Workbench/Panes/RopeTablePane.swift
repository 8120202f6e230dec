import Engine
import Screen

/// cos or sin of m·θ: pairs down, positions to the right, one position a column, far beyond the text if the cursor goes there.
package enum RopeTablePane: Pane {
    package static let name = "Table"

    package static func title(_ session: Session) -> String {
        let axes = Breakpoint(session.size) == .standard ? "  i ↓  m →" : "   pair i ↓  position m →"
        let values = session.ropeFocus.map { [function(session) == .cos ? $0.values.cos : $0.values.sin] } ?? []
        return "\(session.formatSign(among: values))\(function(session).rawValue)(m·θᵢ)\(axes)"
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return "" }
        let text = focus.values.tokens == 1 ? "token \(focus.past)" : "text \(focus.past)–\(focus.past + focus.values.tokens - 1)"
        return "\(text) of \(Numbers.count(focus.context))"
    }

    private static func function(_ session: Session) -> RopeTable.Function { session.rope.showsSin ? .sin : .cos }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard let focus = session.ropeFocus, isKnown(session, focus) else { return [] }
        return session.ropeRequests(focus) + [question(session, focus, area)]
    }

    private static func isKnown(_ session: Session, _ focus: RopeFocus) -> Bool {
        session.snapshot?.stepper.isComputed(focus.values.frequencies) ?? false
    }

    private static func question(_ session: Session, _ focus: RopeFocus, _ area: Rect) -> Request {
        let window = window(focus, area)
        return .rope(.table(layer: focus.layer, function: function(session), from: window.lowerBound, count: window.count))
    }

    /// As many positions as there are columns, with the cursor's among them. It moves by half its width, so that a step of the cursor
    /// seldom moves the picture.
    private static func window(_ focus: RopeFocus, _ area: Rect) -> Range<Int> {
        let count = max(1, min(focus.context, area.width - String(focus.values.pairs - 1).count - 2))
        let half = max(count / 2, 1)
        let start = focus.position < count ? 0 : (focus.position / half - 1) * half
        let from = max(0, min(start, focus.context - count))
        return from..<from + count
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.ropeFocus, isKnown(session, focus) else { return RopeNotice.draw(session, &surface, area) }
        guard case .rope(.table(let table))? = session.answers[question(session, focus, area)] else { return }
        let window = window(focus, area)
        let map = heatMap(session, focus, window, table)
        map.draw(into: &surface, in: area)
        drawText(focus, window, &surface, map.plan(area))
    }

    private static func heatMap(_ session: Session, _ focus: RopeFocus, _ window: Range<Int>, _ table: RopeWindow) -> HeatMap {
        HeatMap(
            PooledGrid(rows: table.pairs, columns: table.count, values: table.values),
            scale: HeatScale(session.view.scale, lo: -1, hi: 1, floor: 0.01),
            map: session.view.map ?? .diverging, counts: counts(table), cursor: Point(focus.position - window.lowerBound, focus.pair),
            origin: Point(window.lowerBound, 0))
    }

    private static func counts(_ table: RopeWindow) -> HeatCounts {
        HeatCounts(
            nan: table.values.count { $0.isNaN }, posInf: table.values.count { $0 == .infinity },
            negInf: table.values.count { $0 == -.infinity })
    }

    /// A line over the positions of the pass's own tokens.
    private static func drawText(_ focus: RopeFocus, _ window: Range<Int>, _ surface: inout Surface, _ plan: HeatPlan) {
        guard plan.hasColumnLabels else { return }
        let tokens = (focus.past..<focus.past + focus.values.tokens).clamped(to: window)
        for position in tokens {
            let x = plan.plot.x + (position - window.lowerBound) * plan.binWidth
            for column in x..<x + plan.binWidth where surface[column, plan.plot.y - 1].glyph == " " {
                surface.set(column, plan.plot.y - 1, Cell("▁", .role(.accent)))
            }
        }
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let focus = session.ropeFocus else { return }
        let window = window(focus, area)
        let source = Size(window.count, focus.values.pairs)
        guard let (pair, column) = HeatMap.plan(area, source: source, origin: Point(window.lowerBound, 0)).source(at: point, of: source)
        else { return }
        (session.rope.position, session.rope.pair) = (window.lowerBound + column, pair)
    }
}

/// What stands where nothing turns yet.
enum RopeNotice {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard session.snapshot != nil else {
            surface.put(area.x + 1, area.y + 1, session.busy ?? "no model is open — :open PATH", .dim)
            return
        }
        let lines = [
            Line("The run stands before the tables.", .text), [], Line(RopeFrequencies.card.formula, .formula),
            Line(Rope.card.formula, .formula), [],
            [Span("Space", .key), Span(" runs on, ", .hint), Span("s", .key), Span(" steps one op", .hint)],
        ]
        for (row, line) in lines.prefix(area.height).enumerated() { surface.put(area.x + 1, area.y + 1 + row, line, width: area.width - 2) }
    }
}
