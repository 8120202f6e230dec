import Engine
import Screen
import Tensors

/// The selected value as a picture, with the cursor on one number.
package enum HeatMapPane: Pane {
    package static let name = "Value"

    package static func title(_ session: Session) -> String {
        guard let value = session.selectedValue else { return "Value" }
        let shape = session.selectedTensor?.shape ?? value.shape
        let sign = session.editSign(session.place.value) + session.formatSign(session.place.value)
        return sign
            + (shape.rank > 2
                ? "\(Names.short(value.name))  \(shape.axes[shape.rank - 3].name.rawValue) \(session.place.leading)"
                : Names.short(value.name))
    }

    package static func label(_ session: Session) -> String {
        guard let value = session.selectedValue else { return "" }
        return "\(session.formatName(session.place.value))\(session.selectedTensor?.shape ?? value.shape)"
    }

    private static func shown(_ session: Session) -> ValueMap { ValueMap(session, session.place.value) }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { shown(session).requests(area) }

    static let detailBins = ValueMap.detailBins

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.isKnown else { return drawPending(session, &surface, area) }
        guard !session.isAwaited else {
            surface.put(area.x + 1, area.y + 1, "computed again when the run comes here; C-c keeps what was", .dim)
            return
        }
        shown(session).draw(&surface, area)
    }

    private static func drawPending(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard let value = session.selectedValue else { return }
        let op = value.step.flatMap { session.shown?.program.steps[$0].op.card }
        surface.put(area.x + 1, area.y + 1, "not computed yet: the run stands before it", .dim)
        if let op {
            surface.put(area.x + 1, area.y + 3, op.name, .heading)
            surface.put(area.x + 1, area.y + 4, op.formula, .formula)
            surface.put(area.x + 1, area.y + 5, op.sentence, .text)
        }
        surface.put(area.x + 1, area.y + 7, "r runs to it, s steps one op", .hint)
    }

    static func detail(_ session: Session) -> Detail? { shown(session).detail }
    static func scale(_ session: Session) -> HeatScale? { shown(session).scale }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        if case .out = step {
            session.focus[.explore] = 0
            return true
        }
        return false
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("lineage") }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        let map = shown(session)
        guard let (row, column) = map.plan(area).source(at: point, of: map.source) else { return }
        (session.place.row, session.place.column) = (row, column)
        session.clampPlace()
    }
}

extension PooledGrid {
    package init(_ pooled: Pooled) {
        self.init(
            rows: pooled.rows, columns: pooled.columns, values: pooled.values, flags: pooled.flags, sourceHeight: pooled.height,
            sourceWidth: pooled.width)
    }
}
