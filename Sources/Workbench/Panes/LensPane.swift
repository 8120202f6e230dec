import Engine
import Screen

/// What each layer would say: the likeliest next token of every layer at every position, if the model stopped there.
package enum LensPane: Pane {
    package static let name = "Lens"
    package static func title(_ session: Session) -> String {
        "\(session.formatSign(among: session.lensStreams))Logit lens   layer ↓  after token →"
    }

    package static func label(_ session: Session) -> String {
        guard let ranking = selected(session), let top = ranking.top.first else { return "" }
        let layer = LensTable.layerName(session, session.lensRow)
        return
            "\(layer == "emb" ? "embedding" : "layer \(layer)"): \"\(session.tokenLabel(top.id))\" \(Numbers.compact(top.probability))   ✓ came"
    }

    private static func lens(_ session: Session, _ table: LensTable) -> LogitLens? {
        guard session.hasLens, case .lens(let lens)? = session.answers[table.request] else { return nil }
        return lens
    }

    /// The ranking under the cursor, from whichever part of the table has been asked for.
    private static func selected(_ session: Session) -> TokenRanking? {
        guard let row = session.tokenRow, let place = Drawing.panes(session).first(where: { $0.pane.name == name }) else { return nil }
        let table = LensTable(session, place.rect.inset(1, 1))
        return lens(session, table)?.rows[safe: session.lensRow]?.rankings[safe: row - table.positions.lowerBound]
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        let table = LensTable(session, area)
        return session.hasLens && !table.positions.isEmpty ? [table.request] : []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.snapshot != nil else { return }
        let table = LensTable(session, area)
        guard session.hasLens else {
            surface.put(area.x + 1, area.y, Line("the residuals of this pass have not all been computed", .dim), width: area.width - 2)
            surface.put(area.x + 1, area.y + 1, Line("Space runs on, s steps one op", .hint), width: area.width - 2)
            return
        }
        if case .failed(let why)? = session.answers[table.request] {
            surface.put(area.x + 1, area.y, Line(why, .err), width: area.width - 2)
            return
        }
        table.draw(session, lens(session, table), &surface, focused: focused)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        switch step {
        case .by(let dx, let dy):
            session.selectLensRow(session.lensRow + dy)
            if dx != 0 { session.selectToken(session.tokenIndex + dx) }
        case .pages(let pages): session.selectLensRow(session.lensRow + Int(pages * 8))
        case .first: session.selectLensRow(0)
        case .last: session.selectLensRow(.max)
        default: return false
        }
        return true
    }

    /// The residual that the row was read from, on Explore.
    package static func activate(_ session: inout Session) -> [Effect] {
        guard let stream = session.lensStream, let row = session.tokenRow else { return [] }
        session.open(.explore)
        session.select(ValueRef(id: stream), remember: false)
        session.moveCursor(to: [row, session.place.column])
        return []
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        let table = LensTable(session, area)
        guard let cell = table.cell(at: point, session) else { return }
        session.selectToken((session.snapshot?.past ?? 0) + cell.position)
        session.selectLensRow(cell.row)
    }
}
