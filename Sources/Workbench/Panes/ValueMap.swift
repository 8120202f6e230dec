import Engine
import Screen
import Tensors

/// One plane of a value as a picture: what to ask for, how numbers become colours, what stands beside it. The cursor is the session's, so
/// two values of one shape side by side have it on the same element.
struct ValueMap {
    let session: Session
    let value: ValueRef
    /// Multiplies the numbers on the screen: a weight's update is its gradient times −lr.
    var factor = 1.0

    static let detailBins = 64

    init(_ session: Session, _ value: ValueRef, factor: Double = 1) {
        (self.session, self.value, self.factor) = (session, value, factor)
    }

    private var known: Value? { session.snapshot?.stepper(level: value.level)?.program.values[safe: value.id] }
    private var tensor: Tensor? { session.tensor(value) }
    var shape: Shape { tensor?.shape ?? known?.shape ?? Shape([]) }
    var isComputed: Bool { known != nil && session.isComputed(value) }
    private var slice: Slice { Slice(value, leading: session.place.leading, transposed: session.view.isTransposed) }

    /// Columns and rows of the plane.
    var source: Size {
        let size = shape.rank < 2 ? Size(max(shape.elementCount, 1), 1) : Size(shape[shape.rank - 1], shape[shape.rank - 2])
        return session.view.isTransposed ? Size(size.height, size.width) : size
    }

    /// The number under the cursor; nil if it has not been computed or was evicted.
    var number: Double? {
        let index = slice.index(row: session.place.row, column: session.place.column, shape: shape)
        return tensor?.value(at: index).map { $0 * factor }
    }

    func plan(_ area: Rect) -> HeatPlan { HeatMap.plan(area, source: source, rowLabels: labels(rows: true)) }

    // MARK: asking

    func requests(_ area: Rect) -> [Request] { isComputed ? [picture(area), .detail(value, bins: ValueMap.detailBins)] : [] }

    func picture(_ area: Rect) -> Request {
        let plan = plan(area)
        return .picture(slice, rows: plan.rows, columns: plan.columns)
    }

    var detail: Detail? {
        if case .detail(let detail)? = session.answers[.detail(value, bins: ValueMap.detailBins)] { return detail }
        return nil
    }

    // MARK: drawing

    func draw(_ surface: inout Surface, _ area: Rect) {
        let request = picture(area)
        if case .picture(let pooled)? = session.answers[request] { draw(PooledGrid(pooled), counts, &surface, area) }
        if case .failed(let why)? = session.answers[request] { surface.put(area.x + 1, area.y + 1, why, .err) }
    }

    func draw(_ grid: PooledGrid, _ counts: HeatCounts, _ surface: inout Surface, _ area: Rect) {
        guard let scale else { return }
        var grid = grid
        if factor != 1 { grid.values = grid.values.map { Float(Double($0) * factor) } }
        HeatMap(
            grid, scale: scale, map: map, counts: counts, cursor: Point(session.place.column, session.place.row),
            rowLabels: labels(rows: true), columnLabels: labels(rows: false)
        ).draw(into: &surface, in: area)
    }

    /// Tokens beside rows and above columns where an axis counts tokens.
    private func labels(rows: Bool) -> [String]? {
        guard value.level == 0, let shape = tensor?.shape, shape.rank >= 2, let snapshot = session.snapshot else { return nil }
        let isLast = rows == session.view.isTransposed
        let axis = shape.axes[isLast ? shape.rank - 1 : shape.rank - 2]
        let offset = axis.name == .key || axis.count == snapshot.ids.count ? 0 : snapshot.past
        guard [.token, .query, .key].contains(axis.name), offset + axis.count <= snapshot.ids.count else { return nil }
        return snapshot.ids[offset..<offset + axis.count].map(session.tokenLabel)
    }

    /// Diverging about zero where there are both signs.
    var map: MapKind {
        if let chosen = session.view.map { return chosen }
        guard let detail else { return .sequential }
        return min(Double(detail.statistics.min) * factor, Double(detail.statistics.max) * factor) < 0 ? .diverging : .sequential
    }

    var scale: HeatScale? {
        guard let detail else { return nil }
        let size = abs(factor)
        let limit =
            switch session.view.range {
            case .p99: Double(detail.magnitude99) * size
            case .p999: Double(detail.magnitude999) * size
            case .minmax: Double(detail.statistics.absMax) * size
            case .locked: session.view.lockedLimit ?? Double(detail.statistics.absMax) * size
            }
        let floor = max(Double(detail.magnitude50) * size, limit * 1e-6)
        let end = limit > 0 ? limit : max(Double(detail.statistics.absMax) * size, 1e-30)
        return map == .diverging
            ? .symmetric(end, session.view.scale, floor: floor) : HeatScale(session.view.scale, lo: 0, hi: end, floor: floor)
    }

    var counts: HeatCounts {
        guard let s = detail?.statistics else { return HeatCounts() }
        return HeatCounts(nan: s.nan, posInf: s.positiveInfinity, negInf: s.negativeInfinity)
    }
}
