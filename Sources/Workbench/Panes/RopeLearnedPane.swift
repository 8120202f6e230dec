import Engine
import Screen

/// What stands in RoPE's place where positions are learned: the table, features down, positions to the right.
package enum RopeLearnedPane: Pane {
    package static let name = "Positions"

    package static func title(_ session: Session) -> String {
        guard let focus = session.learnedFocus else { return "Positions" }
        return "\(session.formatSign(among: [focus.learned.table]))\(focus.name)   feature ↓  position →"
    }

    package static func label(_ session: Session) -> String {
        session.learnedFocus.map { "\($0.learned.positions) × \($0.learned.features) learned" } ?? ""
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard let focus = session.learnedFocus else { return [] }
        return [picture(focus, area), .detail(ValueRef(id: focus.learned.table), bins: HeatMapPane.detailBins)]
    }

    private static func picture(_ focus: LearnedFocus, _ area: Rect) -> Request {
        let plan = HeatMap.plan(area, source: focus.source)
        return .picture(Slice(ValueRef(id: focus.learned.table), transposed: true), rows: plan.rows, columns: plan.columns)
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.learnedFocus else { return RopeNotice.draw(session, &surface, area) }
        guard case .picture(let pooled)? = session.answers[picture(focus, area)],
            case .detail(let detail)? = session.answers[.detail(ValueRef(id: focus.learned.table), bins: HeatMapPane.detailBins)]
        else { return }
        let s = detail.statistics
        HeatMap(
            PooledGrid(pooled), scale: .symmetric(Double(detail.magnitude999), session.view.scale, floor: Double(detail.magnitude50)),
            map: session.view.map ?? .diverging, counts: HeatCounts(nan: s.nan, posInf: s.positiveInfinity, negInf: s.negativeInfinity),
            cursor: Point(focus.position, focus.feature)
        ).draw(into: &surface, in: area)
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let focus = session.learnedFocus else { return }
        guard let (feature, position) = HeatMap.plan(area, source: focus.source).source(at: point, of: focus.source) else { return }
        (session.rope.position, session.rope.pair) = (position, feature)
    }
}

/// The sentence that says why nothing turns here.
package enum RopeAbsentPane: Pane {
    package static let name = "No RoPE"
    package static func title(_ session: Session) -> String { "No RoPE here" }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let model = session.model else { return RopeNotice.draw(session, &surface, area) }
        let text: String
        if let focus = session.learnedFocus {
            text = """
                \(model.architecture.name) does not turn its queries and keys.

                It adds a learned vector to each token's embedding instead: row m of \(focus.name), one for each of \(focus.learned.positions) positions. \
                A longer text has no rows left; RoPE's angles go on for ever.
                """
        } else {
            text =
                "\(model.architecture.name) neither turns its queries and keys nor adds vectors for positions: only the mask tells it the order."
        }
        Prose(lines: Prose.wrap(text, width: area.width - 2)).draw(into: &surface, in: area.inset(1, 0))
    }
}

/// How alike the vectors of two positions are.
package enum RopeLikenessPane: Pane {
    package static let name = "Likeness"

    package static func title(_ session: Session) -> String {
        session.learnedFocus.map { "cos ∠ to position \($0.position)" } ?? "Likeness"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard let focus = session.learnedFocus else { return [] }
        let near = [focus.position, focus.position - 1, focus.position + 1].filter { (0..<focus.learned.positions).contains($0) }
        return near.map { .rope(.likeness(position: $0)) }
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.learnedFocus,
            case .rope(.likeness(let values))? = session.answers[.rope(.likeness(position: focus.position))]
        else { return }
        LinePlot([LinePlot.Series("", values)], range: -1...1, cursor: focus.position).draw(into: &surface, in: area.inset(1, 0))
    }
}

/// The cursor over a table of learned positions.
package struct LearnedFocus: Sendable, Hashable {
    package let learned: LearnedPositions
    /// The table's own name, shortened.
    package let name: String
    package let position: Int
    package let feature: Int

    var source: Size { Size(learned.positions, learned.features) }
}

extension Session {
    package var learnedFocus: LearnedFocus? {
        guard let snapshot, let learned = snapshot.stepper.program.learnedPositions else { return nil }
        let position = rope.position ?? snapshot.ids.count - 1
        return LearnedFocus(
            learned: learned, name: Names.short(snapshot.stepper.program.values[learned.table].name),
            position: min(max(position, 0), learned.positions - 1), feature: min(max(rope.pair, 0), learned.features - 1))
    }
}
