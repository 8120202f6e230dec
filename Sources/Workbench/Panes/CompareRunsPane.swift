import Engine
import Screen

/// The runs that are held against the base: their marks in the plot, and what it comes to at the next token.
package enum CompareRunsPane: Pane {
    package static let name = "Runs"
    package static func title(_ session: Session) -> String { "Runs against A" }
    package static func label(_ session: Session) -> String { session.compared.isPinned ? "A pinned" : "" }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard !session.compared.base.isEmpty else { return }
        surface.put(area.x + 1, area.y, [Span("A ", .key), Span(session.compared.base, .text)], width: area.width - 2)
        let body = Rect(area.x, area.y + 1, area.width, area.height - 1)
        table(session, focused: focused, isWide: area.width >= 50).draw(into: &surface, in: body)
        drawEnd(session, &surface, area)
    }

    private static func table(_ session: Session, focused: Bool, isWide: Bool) -> TableView {
        let columns =
            [TableView.Column("", width: .fixed(1)), TableView.Column("B", width: .rest)]
            + (isWide ? [TableView.Column("first ✗", width: .fixed(20))] : [])
            + [TableView.Column("KL", width: .fixed(8), align: .right), TableView.Column("top-1", width: .fixed(6), align: .right)]
        return TableView(columns, count: session.comparedLines.count, selection: session.comparedLineIndex, isFocused: focused) { number in
            let line = session.comparedLines[number]
            let mark = Character(LinePlot.markers[number % LinePlot.markers.count])
            let first = line.comparison.firstBeyond.map { NumericsWords.brief(line.comparison.rows[$0].name) }
            return [Span("\(mark)", .series(number)), Span(line.name, .text)]
                + (isWide ? [Span(first ?? "–", first == nil ? .dim : .err)] : []) + ends(line)
        }
    }

    private static func ends(_ line: CompareState.Line) -> [Span] {
        if line.isRunning { return [Span("\(line.comparison.rows.count)/", .accent), Span("\(line.total)", .accent)] }
        guard let divergence = line.comparison.divergence else { return [Span("–", .dim), Span("–", .dim)] }
        let share = divergence.agreement * 100
        return [
            Span(Numbers.compact(divergence.mean), .text),
            Span("\(Numbers.fixed(share, decimals: share == 100 ? 0 : 1))%", share == 100 ? .text : .warn),
        ]
    }

    /// What the verdicts rest on and what only one side has, where there is room below.
    private static func drawEnd(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard let line = session.comparedLine, !line.isRunning else { return }
        let only = [("A", line.comparison.onlyHere), ("B", line.comparison.onlyThere)].filter { !$0.1.isEmpty }.map { side, names in
            Line("only in \(side): \(names.count), \(Names.short(names[0]))\(names.count > 1 ? ", …" : "")", .dim)
        }
        let kept = VerdictWords.kept(line.verdicts).map { Prose.wrap($0, width: area.width - 2, role: .dim) } ?? []
        // Above stand the base, the table's head and its lines.
        let room = area.height - session.comparedLines.count - 2
        let lines = [kept + only, kept, only].first { $0.count <= room } ?? []
        for (number, text) in lines.enumerated() {
            surface.put(area.x + 1, area.bottom - lines.count + number, text, width: area.width - 2)
        }
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard case .by(_, let dy) = step, dy != 0 else { return false }
        session.selectComparedLine(session.comparedLineIndex + dy)
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openComparedElement() }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        let body = Rect(area.x, area.y + 1, area.width, area.height - 1)
        guard let line = table(session, focused: true, isWide: area.width >= 50).index(at: point, in: body) else { return }
        session.selectComparedLine(line)
    }
}
