import Engine
import Screen
import Tensors

/// The forward value, beside its gradient.
package enum GradientValuePane: Pane {
    package static let name = "Value"

    package static func title(_ session: Session) -> String {
        guard session.snapshot?.inner.isEmpty ?? true else { return HeatMapPane.title(session) }
        guard let value = session.gradientTarget, let known = session.snapshot?.stepper.program.values[safe: value.id] else {
            return "Value"
        }
        let sign = session.formatSign(value)
        if GradientPane.isSmall(session, value: true) { return sign + "value" }
        return "\(sign)value \(Names.short(known.name))\(GradientPane.slice(session, value))"
    }

    package static func label(_ session: Session) -> String {
        guard session.snapshot?.inner.isEmpty ?? true else { return HeatMapPane.label(session) }
        guard let value = session.gradientTarget, Screen.Breakpoint(session.size) != .standard || session.isZoomed else { return "" }
        return "\(session.tensor(value)?.type.spokenName ?? "fp32")\(ValueMap(session, value).shape)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard session.snapshot?.inner.isEmpty ?? true else { return HeatMapPane.requests(session, area) }
        return session.gradientTarget.map { GradientPicture(session, $0).requests(area) } ?? []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.snapshot?.inner.isEmpty ?? true else { return HeatMapPane.draw(session, &surface, area, focused: focused) }
        guard let value = session.gradientTarget else { return }
        GradientPicture(session, value).draw(&surface, area, pending: "not computed yet")
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("lineage") }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        session.gradientTarget.map { GradientPane.click(&session, point, area, ValueMap(session, $0)) }
    }
}

/// dL/d(value), or what plain SGD would add to a weight: − lr · gradient.
package enum GradientPane: Pane {
    package static let name = "Gradient"

    /// Only a weight is updated.
    static func showsUpdate(_ session: Session) -> Bool {
        guard session.gradient.part == .update, let target = session.gradientTarget else { return false }
        return session.snapshot?.stepper.program.values[safe: target.id]?.role == .weight
    }

    static func factor(_ session: Session) -> Double { showsUpdate(session) ? -session.gradient.learningRate : 1 }

    package static func title(_ session: Session) -> String {
        guard session.snapshot?.inner.isEmpty ?? true else { return InfoPane.title(session) }
        guard let list = session.reverse, let entry = session.gradientEntry else { return "grad" }
        if showsUpdate(session) { return "−lr·grad" }
        let sign = session.gradientValue.map { session.formatSign($0) } ?? ""
        if isSmall(session, value: false) { return sign + "grad" }
        let chosen = list.entries[entry]
        return "\(sign)grad \(chosen.name)\(chosen.via.map { " via \($0)" } ?? "")\(slice(session, ValueRef(id: chosen.target)))"
    }

    /// Whether it is the narrow one of the two pictures.
    static func isSmall(_ session: Session, value: Bool) -> Bool {
        Screen.Breakpoint(session.size) == .standard && !session.isZoomed && session.gradient.showsValueLarge != value
    }

    static func slice(_ session: Session, _ value: ValueRef) -> String {
        let shape = ValueMap(session, value).shape
        return shape.rank > 2 ? "  \(shape.axes[shape.rank - 3].name.rawValue) \(session.place.leading)" : ""
    }

    package static func label(_ session: Session) -> String {
        guard session.snapshot?.inner.isEmpty ?? true else { return InfoPane.label(session) }
        if showsUpdate(session) { return "lr \(Numbers.label(session.gradient.learningRate))" }
        guard Screen.Breakpoint(session.size) != .standard || session.isZoomed, let value = session.gradientValue,
            let s = session.statistics(value)
        else { return "" }
        return "‖g‖ \(Numbers.compact(s.norm))"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard session.snapshot?.inner.isEmpty ?? true else { return InfoPane.requests(session, area) }
        guard let value = session.gradientValue else { return [] }
        return GradientPicture(session, value, factor: factor(session)).requests(area) + [GradientCheck.request(session)].compactMap(\.self)
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.snapshot?.inner.isEmpty ?? true else { return InfoPane.draw(session, &surface, area, focused: focused) }
        guard session.reverse != nil else { return }
        guard session.gradientEntry != nil else {
            let lines = [
                Line("No gradient: the loss does not depend on it,", .dim), Line("or it is no number to change (ids, positions).", .dim),
            ]
            return Prose(lines: lines).draw(into: &surface, in: area.inset(1, 1))
        }
        guard let value = session.gradientValue, session.isComputed(value) else { return drawPending(session, &surface, area) }
        GradientPicture(session, value, factor: factor(session)).draw(&surface, area, pending: "")
    }

    private static func drawPending(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        let lines: [Line] = [
            Line("not computed yet", .dim), [],
            [Span("n", .key), Span(" steps back one op", .hint)], [Span("r", .key), Span(" walks to it", .hint)],
            [Span("Space", .key), Span(" walks to the end", .hint)],
        ]
        Prose(lines: lines).draw(into: &surface, in: area.inset(1, area.height > 8 ? 1 : 0))
    }

    package static func activate(_ session: inout Session) -> [Effect] {
        if let value = session.gradientValue, session.isComputed(value) { session.selectGradient() }
        return session.execute("lineage")
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        session.gradientValue.map { click(&session, point, area, ValueMap(session, $0)) }
    }

    static func click(_ session: inout Session, _ point: Point, _ area: Rect, _ map: ValueMap) {
        guard let (row, column) = map.plan(area).source(at: point, of: map.source) else { return }
        (session.place.row, session.place.column) = (row, column)
        session.clampPlace()
    }
}

/// A value of the walk as a picture. Of scores and probabilities, and of their gradients, what the mask hides is left out where it is
/// exactly what it has to be.
struct GradientPicture {
    private let map: ValueMap
    private let session: Session
    private let value: ValueRef
    private let attention: AttentionValues?

    init(_ session: Session, _ value: ValueRef, factor: Double = 1) {
        (self.session, self.value) = (session, value)
        map = ValueMap(session, value, factor: factor)
        attention = GradientPicture.attention(session)
    }

    /// The attention whose scores or probabilities the screen is about.
    private static func attention(_ session: Session) -> AttentionValues? {
        guard let target = session.gradientTarget, !session.view.isTransposed, let program = session.snapshot?.stepper.program,
            let layer = program.values[safe: target.id]?.layer, let values = program.attention(layer: layer)
        else { return nil }
        return [values.probs, values.scores].contains(target.id) ? values : nil
    }

    private func masked(_ area: Rect) -> Request? {
        guard let attention else { return nil }
        let plan = map.plan(area)
        return .gradient(
            .masked(value, layer: attention.layer, head: session.place.leading, rows: plan.rows, columns: plan.columns))
    }

    func requests(_ area: Rect) -> [Request] {
        guard map.isComputed, let masked = masked(bodyArea(area)) else { return map.requests(area) }
        return [masked, .detail(value, bins: ValueMap.detailBins)]
    }

    /// The last line tells of the mask, where there is room.
    private func bodyArea(_ area: Rect) -> Rect {
        attention != nil && area.height >= 6 ? Rect(area.x, area.y, area.width, area.height - 1) : area
    }

    func draw(_ surface: inout Surface, _ area: Rect, pending: String) {
        guard map.isComputed else {
            surface.put(area.x + 1, area.y + 1, pending, .dim)
            return
        }
        guard let request = masked(bodyArea(area)) else { return map.draw(&surface, area) }
        guard case .gradient(.masked(let picture))? = session.answers[request] else { return }
        map.draw(picture.grid, picture.counts, &surface, bodyArea(area))
        guard bodyArea(area) != area else { return }
        surface.put(area.x + 1, area.bottom - 1, legend(picture, isNarrow: area.width < 30), width: area.width - 2)
    }

    private func legend(_ picture: MaskedPicture, isNarrow: Bool) -> Line {
        let held = value.id == attention?.scores ? "−∞" : "0"
        let text = isNarrow ? "hidden " : "hidden \(Numbers.count(picture.hidden)): "
        guard picture.isExact else {
            // dL/dp of a hidden key is a number, but p cannot move there: the derivative of the softmax is p times something.
            let isProbability = !isNarrow && session.gradientTarget?.id == attention?.probs && value != session.gradientTarget
            return [Span(text, .dim), Span("not \(held)", .warn), Span(isProbability ? "; × p = 0 in the softmax" : "", .dim)]
        }
        return [Span(text, .dim), Span(isNarrow ? "\(held) " : "exactly \(held) ", .text), Span("✓", .ok)]
    }
}

extension Session {
    /// The selection from the value to its gradient, with the row and the cursor where they are.
    mutating func selectGradient() {
        guard let entry = gradientEntry else { return }
        selectReverse(.entry(entry))
    }
}
