import Screen

/// One pair of q before and after it was turned. Turning keeps the length, so both ends lie on the circle.
package enum RopeCirclePane: Pane {
    package static let name = "Rotation"

    package static func title(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return "Rotation" }
        let sign = session.formatSign(among: [focus.values.turnedQ, focus.values.q])
        let place = sign + "pair \(focus.pair)  m=\(focus.position)"
        return Breakpoint(session.size) == .standard ? place : "L\(focus.layer) H\(focus.head)  \(place)"
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return "" }
        let token = session.quotedToken(focus.token)
        if Breakpoint(session.size) == .standard { return focus.isInPass ? "q of \(token)" : "\(token) moved" }
        return focus.isInPass ? "q of \(token)" : "q of \(token), as if there"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { session.ropeFocus.map { session.ropeRequests($0) } ?? [] }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.ropeFocus else { return }
        guard session.snapshot?.stepper.isComputed(focus.values.q) == true else {
            surface.put(area.x + 1, area.y + 1, "q of layer \(focus.layer) is not computed yet", .dim)
            return
        }
        guard let turn = session.ropeTurn(focus), turn.pairs.indices.contains(focus.pair) else { return }
        let pair = turn.pairs[focus.pair]
        let (before, after) = (CirclePlot.Vector(pair.before[0], pair.before[1]), CirclePlot.Vector(pair.after[0], pair.after[1]))
        CirclePlot(before: before, after: after).draw(into: &surface, in: area)
    }
}
