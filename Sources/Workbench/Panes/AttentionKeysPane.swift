import Screen

/// What the query looks at: its likeliest keys as bars, and what that says of the row.
package enum AttentionKeysPane: Pane {
    package static let name = "Keys"

    package static func title(_ session: Session) -> String {
        guard let focus = session.attentionFocus else { return "Query → keys" }
        return "\(session.formatSign(among: [focus.values.probs]))\(session.quotedToken(focus.query)) → keys"
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.attentionFocus, let query = session.attentionQuery(focus) else { return "" }
        let most = Breakpoint(session.size) == .standard ? "" : " of ≤ \(Numbers.compact(query.mostEntropy))"
        return "\(Numbers.compact(query.entropy)) nats\(most)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.attentionFocus.map { session.attentionRequests($0) } ?? []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.attentionFocus, let query = session.attentionQuery(focus) else { return }
        let lines = hasFormula(session, area) ? AttentionFormula.short(session, focus) : []
        let bars = Rect(area.x + 1, area.y, area.width - 2, area.height - (lines.isEmpty ? 0 : lines.count + 1))
        drawBars(session, focus, query, &surface, bars, focused)
        for (row, line) in lines.enumerated() { surface.put(area.x + 1, bars.bottom + 1 + row, line, width: area.width - 2) }
    }

    /// Small screens have no pane of their own for the formula.
    private static func hasFormula(_ session: Session, _ area: Rect) -> Bool { Breakpoint(session.size) == .standard && area.height >= 8 }

    private static func drawBars(
        _ session: Session, _ focus: AttentionFocus, _ query: AttentionQuery, _ surface: inout Surface, _ area: Rect, _ focused: Bool
    ) {
        let digits = String(focus.values.keys - 1).count
        let items = query.top.map { entry in
            Bars.Item(
                "\(Numbers.right(String(entry.key), digits)) \(session.textLabel(at: entry.key))", Double(entry.probability),
                text: probability(Double(entry.probability)))
        }
        let rest = query.restCount > 0 ? [Bars.Item("\(query.restCount) more", query.rest, text: probability(query.rest), role: .dim)] : []
        Bars(items + rest, selection: query.top.firstIndex { $0.key == focus.key }, isFocused: focused).draw(into: &surface, in: area)
    }

    /// `0.405`; the smallest keep their magnitude.
    static func probability(_ p: Double) -> String { Numbers.fitting(p, columns: 6) ?? Numbers.compact(p) }

    // MARK: keys and mouse

    /// Up and down the ranking.
    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard let focus = session.attentionFocus, let query = session.attentionQuery(focus), !query.top.isEmpty else { return false }
        let place = query.top.firstIndex { $0.key == focus.key } ?? 0
        let next: Int
        switch step {
        case .by(0, let dy): next = place + dy
        case .pages(let pages): next = place + Int(10 * pages)
        case .first: next = 0
        case .last: next = query.top.count - 1
        default: return false
        }
        session.attention.key = query.top[min(max(next, 0), query.top.count - 1)].key
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openAttentionLineage() }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let focus = session.attentionFocus, let query = session.attentionQuery(focus) else { return }
        let place = query.top.firstIndex { $0.key == focus.key }
        let shown = Scrolling.visible(query.top.count + (query.restCount > 0 ? 1 : 0), in: area.height, selection: place)
        let row = shown.lowerBound + point.y - area.y
        if query.top.indices.contains(row) { session.attention.key = query.top[row].key }
    }
}
