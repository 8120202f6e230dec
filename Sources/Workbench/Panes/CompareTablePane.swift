import Engine
import Screen

/// Every value of the selected run against the base, in running order.
package enum CompareTablePane: Pane {
    package static let name = "Values"

    package static func title(_ session: Session) -> String {
        session.comparedLine.map { "A against \($0.name)" } ?? "Values"
    }

    package static func label(_ session: Session) -> String {
        guard let line = session.comparedLine else { return "" }
        if line.isRunning { return "\(line.comparison.rows.count) of \(line.total)  C-c stops" }
        if line.isJudging { return "\(line.verdicts.entries.count) judged  C-c stops" }
        let beyond = line.comparison.rows.count(where: \.isBeyond)
        return line.comparison.isIdentical ? "same bits" : "\(beyond) of \(line.comparison.rows.count) ✗"
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.comparedLine != nil else { return }
        table(session, focused: focused, width: area.width).draw(into: &surface, in: area)
    }

    private static func table(_ session: Session, focused: Bool, width: Int) -> TableView {
        let (rows, line, isWide) = (session.comparedRows, session.comparedLine, width >= 60)
        let first = line?.comparison.firstBeyond
        // Where there is no room for all, the cosine stands in the box of the value.
        let wide =
            isWide
            ? [
                TableView.Column("cosine", width: .fixed(10), align: .right), TableView.Column("log₁₀", width: .fixed(6), align: .right),
            ] : []
        let columns =
            [
                TableView.Column("", width: .fixed(2)), TableView.Column("value", width: .rest),
                TableView.Column("NMSE", width: .fixed(8), align: .right), TableView.Column("max|Δ|", width: .fixed(8), align: .right),
            ] + wide + [TableView.Column("verdict", width: .fixed(9))]
        let isBrief = columns.room(in: width) < NumericsWords.roomForPaths
        return TableView(columns, count: rows.count, selection: session.comparedRowIndex, isFocused: focused) { place in
            let row = rows[place]
            let name = isBrief ? NumericsWords.brief(row.name) : Names.short(row.name)
            let role: Role = row.isBeyond ? .err : row.isIdentical ? .dim : .text
            let sign = place == first ? Span("✗◂", .err) : CompareWords.sign(row)
            return [sign, Span(name, role)] + numbers(row, role, isWide) + [VerdictWords.short(line?.verdicts[row.name])]
        }
    }

    private static func numbers(_ row: ValueDifference, _ role: Role, _ isWide: Bool) -> [Span] {
        guard row.difference != nil else { return [Span("shapes", .err)] + Array(repeating: Span("", role), count: isWide ? 3 : 1) }
        let wide = isWide ? [Numbers.fixed(row.cosine, decimals: 8), row.logNorm.map { Numbers.fixed($0, decimals: 2) } ?? "="] : []
        return ([Numbers.compact(row.nmse), Numbers.compact(row.largest)] + wide).map { Span($0, role) }
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        switch step {
        case .by(_, let dy) where dy != 0: session.selectCompared(session.comparedRowIndex + dy)
        case .pages(let pages): session.selectCompared(session.comparedRowIndex + Int(pages * 10))
        case .first: session.selectCompared(0)
        case .last: session.selectCompared(.max)
        default: return false
        }
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openComparedElement() }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let row = table(session, focused: true, width: area.width).index(at: point, in: area) else { return }
        session.selectCompared(row)
    }
}
