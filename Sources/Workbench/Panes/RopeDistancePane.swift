import Screen

/// The score of q and k against how far apart they stand.
package enum RopeDistancePane: Pane {
    package static let name = "Distance"
    package static func title(_ session: Session) -> String { "score by distance |m−n|" }

    package static func label(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return "" }
        guard Breakpoint(session.size) != .standard else { return "L\(focus.layer) H\(focus.head)" }
        let group = focus.values.keyHeads < focus.values.heads ? ", k of kv head \(focus.values.keyHead(of: focus.head))" : ""
        return "L\(focus.layer) H\(focus.head)\(group)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard let focus = session.ropeFocus, let stepper = session.snapshot?.stepper, stepper.isComputed(focus.values.q),
            stepper.isComputed(focus.values.k)
        else { return [] }
        return session.ropeRequests(focus) + [question(focus, area)]
    }

    /// A distance a column of dots, as far as the context goes.
    private static func question(_ focus: RopeFocus, _ area: Rect) -> Request {
        let count = max(2, min(focus.context, 2 * area.width))
        return .rope(.distances(layer: focus.layer, head: focus.head, position: focus.token, count: count))
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.ropeFocus, case .rope(.distances(let scores))? = session.answers[question(focus, area)] else { return }
        let (token, isWide) = (session.quotedToken(focus.token), area.width >= 70)
        let names = isWide ? ["q·k of \(token)", "mean of all tokens", "all ones"] : [token, "mean", "ones"]
        let series = zip(names, [scores.own, scores.mean, scores.ones]).enumerated().map { LinePlot.Series($1.0, $1.1, index: $0) }
        let isTall = area.height >= 10
        let plot = Rect(area.x + 1, area.y, area.width - 2, area.height - (isTall ? 1 : 0))
        LinePlot(series).draw(into: &surface, in: plot)
        if isTall { surface.put(area.x + 1, area.bottom - 1, check(scores), width: area.width - 2) }
    }

    /// Only the distance counts: the same two vectors, both further on, give the same scores.
    private static func check(_ scores: RopeDistances) -> Line {
        let largest = scores.own.map { abs(Double($0)) }.max() ?? 0
        let isSame = scores.difference <= 1e-3 * max(largest, 1e-3)
        return [
            Span("both \(scores.shift) positions later: at most \(Numbers.compact(scores.difference, digits: 2)) different ", .dim),
            isSame ? Span("✓", .ok) : Span("✗", .err), Span("  only m − n counts", .dim),
        ]
    }
}
