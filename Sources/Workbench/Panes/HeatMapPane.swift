import Engine
import Screen
import Tensors

/// The selected value as a picture, with the cursor on one number.
package enum HeatMapPane: Pane {
    package static let name = "Value"

    package static func title(_ session: Session) -> String {
        guard let value = session.selectedValue else { return "Value" }
        let shape = session.selectedTensor?.shape ?? value.shape
        let sign = session.editSign(session.place.value)
        return sign
            + (shape.rank > 2
                ? "\(Names.short(value.name))  \(shape.axes[shape.rank - 3].name.rawValue) \(session.place.leading)"
                : Names.short(value.name))
    }

    package static func label(_ session: Session) -> String {
        guard let value = session.selectedValue else { return "" }
        return "\(session.selectedTensor?.type.spokenName ?? "fp32")\(session.selectedTensor?.shape ?? value.shape)"
    }

    private static func source(_ session: Session) -> Size {
        let size = session.planeSize
        return Size(size.columns, size.rows)
    }

    private static func plan(_ session: Session, _ area: Rect) -> HeatPlan {
        HeatMap.plan(area, source: source(session), rowLabels: labels(session, rows: true))
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard session.isKnown else { return [] }
        return [picture(session, area), .detail(session.place.value, bins: detailBins)]
    }

    static let detailBins = 64

    private static func picture(_ session: Session, _ area: Rect) -> Request {
        let plan = plan(session, area)
        return .picture(session.slice, rows: plan.rows, columns: plan.columns)
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.isKnown else { return drawPending(session, &surface, area) }
        guard case .picture(let pooled)? = session.answers[picture(session, area)], let scale = scale(session) else {
            if case .failed(let why)? = session.answers[picture(session, area)] { surface.put(area.x + 1, area.y + 1, why, .err) }
            return
        }
        HeatMap(
            PooledGrid(pooled), scale: scale, map: map(session), counts: counts(session),
            cursor: Point(session.place.column, session.place.row),
            rowLabels: labels(session, rows: true), columnLabels: labels(session, rows: false)
        ).draw(into: &surface, in: area)
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

    /// Tokens beside rows and above columns where an axis counts tokens.
    private static func labels(_ session: Session, rows: Bool) -> [String]? {
        guard session.place.value.level == 0, let shape = session.selectedTensor?.shape, shape.rank >= 2, let snapshot = session.snapshot
        else { return nil }
        let isLast = rows == session.view.isTransposed
        let axis = shape.axes[isLast ? shape.rank - 1 : shape.rank - 2]
        let offset = axis.name == .key || axis.count == snapshot.ids.count ? 0 : snapshot.past
        guard [.token, .query, .key].contains(axis.name), offset + axis.count <= snapshot.ids.count else { return nil }
        return snapshot.ids[offset..<offset + axis.count].map(session.tokenLabel)
    }

    static func detail(_ session: Session) -> Detail? {
        if case .detail(let detail)? = session.answers[.detail(session.place.value, bins: detailBins)] { return detail }
        return nil
    }

    /// Diverging about zero where there are both signs.
    static func map(_ session: Session) -> MapKind {
        if let chosen = session.view.map { return chosen }
        guard let detail = detail(session) else { return .sequential }
        return detail.statistics.min < 0 ? .diverging : .sequential
    }

    static func scale(_ session: Session) -> HeatScale? {
        guard let detail = detail(session) else { return nil }
        let limit: Double
        switch session.view.range {
        case .p99: limit = Double(detail.magnitude99)
        case .p999: limit = Double(detail.magnitude999)
        case .minmax: limit = Double(detail.statistics.absMax)
        case .locked: limit = session.view.lockedLimit ?? Double(detail.statistics.absMax)
        }
        let floor = max(Double(detail.magnitude50), limit * 1e-6)
        let end = limit > 0 ? limit : max(Double(detail.statistics.absMax), 1e-30)
        return map(session) == .diverging
            ? .symmetric(end, session.view.scale, floor: floor) : HeatScale(session.view.scale, lo: 0, hi: end, floor: floor)
    }

    static func counts(_ session: Session) -> HeatCounts {
        guard let s = detail(session)?.statistics else { return HeatCounts() }
        return HeatCounts(nan: s.nan, posInf: s.positiveInfinity, negInf: s.negativeInfinity)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        if case .out = step {
            session.focus[.explore] = 0
            return true
        }
        return false
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("lineage") }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let (row, column) = plan(session, area).source(at: point, of: source(session)) else { return }
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
