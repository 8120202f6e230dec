import Engine
import Screen
import Tensors

/// One side of the selected value, both in the colours of A.
package protocol CompareSidePane: Pane {
    static var side: Int { get }
}

extension CompareSidePane {
    package static func title(_ session: Session) -> String { "\(name)\(CompareMap.slice(session))" }
    package static func label(_ session: Session) -> String { session.comparedRow?.formats[safe: side] ?? "" }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { CompareMap(session, area).requests }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        CompareMap(session, area).draw(.side(side), &surface)
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openComparedElement() }
}

package enum CompareBasePane: CompareSidePane {
    package static let (name, side) = ("A", 0)
}

package enum CompareOtherPane: CompareSidePane {
    package static let (name, side) = ("B", 1)
}

/// Where the two differ, with the cursor on the element that is furthest apart.
package enum CompareDifferencePane: Pane {
    package static let name = "Difference"

    package static func title(_ session: Session) -> String { "Δ A−B\(CompareMap.slice(session))" }

    package static func label(_ session: Session) -> String {
        session.comparedRow.map { $0.difference == nil || $0.isIdentical ? "" : "max \(Numbers.compact($0.largest))" } ?? ""
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { CompareMap(session, area).requests }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        CompareMap(session, area).draw(.difference, &surface)
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openComparedElement() }
}

/// One plane of the selected value on both sides.
struct CompareMap {
    enum Part { case side(Int), difference }

    private let session: Session
    private let area: Rect

    init(_ session: Session, _ area: Rect) { (self.session, self.area) = (session, area) }

    /// Which slice of three axes is shown.
    static func slice(_ session: Session) -> String {
        guard let shape = session.comparedRow?.shape, shape.rank > 2 else { return "" }
        return "  \(shape.axes[shape.rank - 3].name.rawValue) \(session.comparedLeading)"
    }

    private var source: Size {
        guard let shape = session.comparedRow?.shape, shape.rank >= 2 else { return Size(session.comparedRow?.shape.elementCount ?? 1, 1) }
        return Size(shape[shape.rank - 1], shape[shape.rank - 2])
    }

    private var request: Request? {
        guard let line = session.comparedLine, let row = session.comparedRow, row.difference != nil, row.shape.elementCount > 0 else {
            return nil
        }
        let plan = HeatMap.plan(area, source: source)
        return .compared(
            .pictures(line: line.number, value: row.name, leading: session.comparedLeading, rows: plan.rows, columns: plan.columns))
    }

    var requests: [Request] { [request].compactMap(\.self) }

    func draw(_ part: Part, _ surface: inout Surface) {
        guard let request else {
            let why = session.comparedRow?.mismatch ?? ""
            return Prose(lines: Prose.wrap(why, width: area.width - 2, role: .warn)).draw(into: &surface, in: area.inset(1, 0))
        }
        switch session.answers[request] {
        case .compared(.pictures(let pictures))?: draw(part, pictures, &surface)
        case .failed(let why)?: surface.put(area.x + 1, area.y, Line(why, .warn), width: area.width - 2)
        default: break
        }
    }

    private func draw(_ part: Part, _ pictures: ComparedPictures, _ surface: inout Surface) {
        switch part {
        case .side(let number): draw(pictures.sides[number], pictures.largest, &surface)
        case .difference:
            guard pictures.largestDifference > 0 || session.comparedRow?.isIdentical == false else {
                surface.put(area.x + 1, area.y, Line("the same bits", .dim), width: area.width - 2)
                return
            }
            draw(pictures.difference, pictures.largestDifference, &surface)
        }
    }

    private func draw(_ pooled: Pooled, _ limit: Double, _ surface: inout Surface) {
        let grid = PooledGrid(pooled)
        HeatMap(
            grid, scale: .symmetric(max(limit, 1e-300), session.view.scale, floor: max(limit * 1e-3, 1e-300)),
            map: session.view.map ?? .diverging,
            counts: HeatCounts(), cursor: cursor
        ).draw(into: &surface, in: area)
    }

    /// The worst element, where it lies in this slice.
    private var cursor: Point? {
        guard let row = session.comparedRow, let column = row.index.last else { return nil }
        if row.index.count > 2, row.index[row.index.count - 3] != session.comparedLeading { return nil }
        return Point(column, row.index.count > 1 ? row.index[row.index.count - 2] : 0)
    }
}
