import Screen
import Tensors

/// The row under the cursor as a line.
package enum RowPane: Pane {
    package static let name = "Row"

    package static func title(_ session: Session) -> String { "Row \(session.place.row)" }

    package static func label(_ session: Session) -> String {
        guard let row = values(session) else { return "" }
        let norm = row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        return "‖row‖ \(Numbers.compact(norm))"
    }

    private static func values(_ session: Session) -> [Float]? {
        if case .row(let row)? = session.answers[.row(session.slice, session.place.row)] { return row }
        return nil
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.isKnown ? [.row(session.slice, session.place.row)] : []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let row = values(session), !row.isEmpty else { return }
        LinePlot([LinePlot.Series("", row)], cursor: session.place.column).draw(into: &surface, in: area.inset(1, 0))
    }
}
