import Engine
import Screen

/// 4 Grad: the reverse walk, a value beside its gradient, the norms layer by layer, the derivative with numbers, what the tokens matter.
package enum GradientPage: Page {
    package static let id = PageID.gradient
    package static let key = 4
    package static let title = "Grad"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        switch Breakpoint(session.size) {
        case .rich: rich(area)
        case .standard: standard(session, area)
        case .single, .none: panes.map { PanePlace($0, area) }
        }
    }

    private static let panes: [any Pane.Type] = [
        ReversePane.self, GradientPane.self, GradientValuePane.self, GradientNormsPane.self, GradientFormulaPane.self, AttributionPane.self,
    ]

    private static func rich(_ area: Rect) -> [PanePlace] {
        let columns = area.columns([.fixed(52), .rest])
        let left = columns[0].rows([.rest, .fixed(12)])
        let right = columns[1].rows([.rest, .fixed(12), .fixed(15)])
        let pictures = right[0].columns([.rest, .rest])
        return places([left[0], pictures[1], pictures[0], right[1], right[2], left[1]])
    }

    private static func standard(_ session: Session, _ area: Rect) -> [PanePlace] {
        let columns = area.columns([.fixed(37), .rest])
        let left = columns[0].rows([.rest, .fixed(6)])
        let right = columns[1].rows([.rest, .fixed(6), .fixed(6)])
        let isLarge = session.gradient.showsValueLarge
        let pictures = right[0].columns([isLarge ? .rest : .fixed(16), isLarge ? .fixed(16) : .rest])
        return places([left[0], pictures[1], pictures[0], right[1], right[2], left[1]])
    }

    private static func places(_ rects: [Rect]) -> [PanePlace] { zip(panes, rects).map { PanePlace($0, $1) } }

    package static func hints(_ session: Session) -> [HintBar.Hint] {
        [HintBar.Hint("n", "step"), HintBar.Hint("N", "back"), HintBar.Hint("Space", "run"), HintBar.Hint("Enter", "into")]
    }

    package static func label(_ session: Session) -> String {
        guard let cursor = session.reverseCursor, let count = session.reverse?.entries.count else { return RunLine.label(session) }
        return "\(RunLine.live(session))backward \(cursor)/\(count)"
    }

    // MARK: the status line

    package static func status(_ session: Session) -> Line {
        guard session.snapshot?.inner.isEmpty ?? true else { return ExplorePage.status(session) }
        guard let target = session.gradientTarget, let name = session.snapshot?.stepper.program.values[safe: target.id]?.name else {
            return Line(session.busy ?? "no model is open — :open PATH", .status)
        }
        let short = session.size.width >= 100 ? Names.short(name) : shortName(session) ?? Names.short(name)
        var spans = [Span("\(short) \(session.cursorIndex)", .statusKey)]
        if let number = ValueMap(session, target).number { spans.append(Span(" = \(Numbers.compact(number, digits: 5))", .status)) }
        guard let value = session.gradientValue, let number = ValueMap(session, value).number else {
            return Line(spans + [Span(session.gradientEntry == nil ? "  no gradient" : "  grad not computed yet", .status)])
        }
        spans.append(Span("  grad \(Numbers.compact(number, digits: 6))", .statusKey))
        if let mark = GradientCheck.mark(session) { spans += mark.spans }
        if let s = session.statistics(value) {
            spans.append(Span("  ‖g‖ \(Numbers.compact(s.norm))  max|g| \(Numbers.compact(s.absMax))", .status))
        }
        return Line(spans)
    }

    /// `L3 q_proj.weight`
    private static func shortName(_ session: Session) -> String? {
        guard let list = session.reverse, let entry = session.gradientEntry.map({ list.entries[$0] }) else { return nil }
        return (entry.layer.map { "L\($0) " } ?? "") + entry.name
    }

    // MARK: moving

    /// The same value in another layer; the rest moves over the pictures.
    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard case .layer(let by) = step, let target = session.gradientTarget else { return false }
        let before = session.place
        session.place.value = target
        if !session.moveLayer(by) { session.place = before }
        if session.isDifferentiated { session.selectGradient() }
        return true
    }
}
