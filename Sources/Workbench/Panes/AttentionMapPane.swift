import Engine
import Screen

/// One head: queries down, keys to the right; or the mask on its own.
package enum AttentionMapPane: Pane {
    package static let name = "Attention"

    package static func title(_ session: Session) -> String {
        guard let focus = session.attentionFocus else { return "Attention" }
        let what = session.attention.part == .mask ? "L\(focus.layer) mask" : focus.name
        let values = [focus.values.probs, focus.values.scores].map { ValueRef(id: $0) }
        let edited = values.contains(where: session.isEdited) ? "✎ " : ""
        let sign = edited + (values.contains { !session.quirks(of: $0).isEmpty } ? "\(QuirkWords.sign) " : "")
        let format = session.formatSign(among: values.map(\.id))
        return "\(sign)\(format)\(what)  query ↓  key →"
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.attentionFocus else { return "" }
        let scale = kind(session) == .linear ? "" : " \(kind(session).rawValue)"
        return "\(session.attention.part.rawValue)\(scale)  \(focus.values.queries)×\(focus.values.keys)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard let focus = session.attentionFocus, isKnown(session, focus) else { return [] }
        let plan = plan(session, focus, area)
        // The heads beside this one too, while they are small.
        let beside = focus.values.queries * focus.values.keys <= 1 << 16 ? [focus.head + 1, focus.head - 1] : []
        let heads = [focus.head] + beside.filter { (0..<focus.values.heads).contains($0) }
        return session.attentionRequests(focus) + heads.map { question(session, focus, head: $0, plan) }
    }

    private static func isKnown(_ session: Session, _ focus: AttentionFocus) -> Bool {
        guard let stepper = session.snapshot?.stepper else { return false }
        switch session.attention.part {
        case .probs: return stepper.isComputed(focus.values.probs)
        case .scores: return stepper.isComputed(focus.values.scores)
        case .mask: return true
        }
    }

    private static func question(_ session: Session, _ focus: AttentionFocus, head: Int, _ plan: HeatPlan) -> Request {
        .attention(.head(layer: focus.layer, head: head, part: session.attention.part, rows: plan.rows, columns: plan.columns))
    }

    // MARK: places

    /// The entropies stand in a column of their own at the right where there is room.
    private static let entropyWidth = 6

    private static func hasEntropies(_ session: Session, _ area: Rect) -> Bool { area.width >= 70 && session.attention.part == .probs }

    private static func plan(_ session: Session, _ focus: AttentionFocus, _ area: Rect) -> HeatPlan {
        HeatMap.plan(mapArea(session, area), source: Size(focus.values.keys, focus.values.queries), rowLabels: labels(session, focus).rows)
    }

    private static func mapArea(_ session: Session, _ area: Rect) -> Rect {
        Rect(area.x, area.y, area.width - (hasEntropies(session, area) ? entropyWidth : 0), area.height)
    }

    private static func labels(_ session: Session, _ focus: AttentionFocus) -> (rows: [String]?, columns: [String]?) {
        (session.tokenLabels(focus.past..<focus.past + focus.values.queries), session.tokenLabels(0..<focus.values.keys))
    }

    // MARK: drawing

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.attentionFocus else { return AttentionNotice.draw(session, &surface, area) }
        guard isKnown(session, focus) else { return AttentionNotice.draw(session, focus, &surface, area) }
        let plan = plan(session, focus, area)
        let request = question(session, focus, head: focus.head, plan)
        guard case .attention(.head(let picture))? = session.answers[request] else {
            if case .failed(let why)? = session.answers[request] { surface.put(area.x + 1, area.y + 1, why, .err) }
            return
        }
        heatMap(session, focus, picture).draw(into: &surface, in: mapArea(session, area))
        if session.attention.part == .mask { AttentionMaskText(focus: focus, picture: picture, plan: plan).draw(into: &surface) }
        if session.attention.part == .probs { AttentionColumns(focus: focus, picture: picture, plan: plan).draw(into: &surface) }
        if hasEntropies(session, area) { drawEntropies(focus, picture, &surface, plan) }
    }

    private static func heatMap(_ session: Session, _ focus: AttentionFocus, _ picture: AttentionPicture) -> HeatMap {
        let labels = labels(session, focus)
        return HeatMap(
            picture.grid, scale: scale(session, picture), map: map(session), counts: picture.counts, cursor: Point(focus.key, focus.row),
            rowLabels: labels.rows, columnLabels: labels.columns)
    }

    private static func map(_ session: Session) -> MapKind {
        if let chosen = session.view.map { return chosen }
        return session.attention.part == .scores ? .diverging : .attention
    }

    private static func kind(_ session: Session) -> HeatScale.Kind {
        switch session.attention.part {
        case .probs: session.attention.isLog ? .log : session.view.scale
        case .scores: session.attention.isLog ? .symlog : session.view.scale
        case .mask: .linear
        }
    }

    /// Probabilities from 0, scores about 0. The mask's zeros have the bright end.
    private static func scale(_ session: Session, _ picture: AttentionPicture) -> HeatScale {
        guard session.attention.part != .mask else { return HeatScale(lo: -1, hi: 0) }
        let limit = limit(session, picture)
        if session.attention.part == .scores { return .symmetric(limit, kind(session), floor: max(limit / 100, 1e-9)) }
        return HeatScale(kind(session), lo: 0, hi: limit, floor: limit * 1e-4)
    }

    private static func limit(_ session: Session, _ picture: AttentionPicture) -> Double {
        let limit =
            switch session.view.range {
            case .p99: picture.p99
            case .p999: picture.p999
            case .minmax: picture.largest
            case .locked: session.view.lockedLimit ?? picture.largest
            }
        return limit > 0 ? limit : 1
    }

    // MARK: beside and below the picture

    private static func drawEntropies(_ focus: AttentionFocus, _ picture: AttentionPicture, _ surface: inout Surface, _ plan: HeatPlan) {
        guard picture.entropies.count == focus.values.queries, plan.rows == focus.values.queries, plan.binHalves >= 2 else { return }
        let x = plan.plot.right + 1
        if plan.hasColumnLabels { surface.put(x, plan.plot.y - 1, "nats", width: entropyWidth - 2, align: .right, style: .role(.ruler)) }
        for (row, entropy) in picture.entropies.enumerated() {
            let middle = plan.showsNumbers ? (plan.binHalves / 2 - 1) / 2 : 0
            let y = plan.plot.y + row * plan.binHalves / 2 + middle
            guard y < plan.plot.bottom else { continue }
            let role: Role = entropy.isNaN ? .nan : row == focus.row ? .rulerCursor : .ruler
            surface.put(x, y, Numbers.fitting(entropy, columns: 4) ?? "·", width: entropyWidth - 2, align: .right, style: .role(role))
        }
    }

    // MARK: keys and mouse

    /// The cell's lineage: of its score where scores are shown, else of its probability.
    package static func activate(_ session: inout Session) -> [Effect] { session.openAttentionLineage() }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let focus = session.attentionFocus else { return }
        let source = Size(focus.values.keys, focus.values.queries)
        guard let (row, key) = plan(session, focus, area).source(at: point, of: source) else { return }
        (session.attention.query, session.attention.key) = (focus.past + row, key)
    }
}

extension Session {
    mutating func openAttentionLineage() -> [Effect] {
        guard let focus = attentionFocus, let stepper = snapshot?.stepper else { return [] }
        let id = attention.part == .scores ? focus.values.scores : focus.values.probs
        guard stepper.isComputed(id) else {
            say("not computed yet — Space runs on", .warning)
            return []
        }
        select(ValueRef(id: id))
        moveCursor(to: focus.index)
        overlay = .lineage(ValueRef(id: id), index: focus.index, selection: 0)
        return []
    }
}

/// What stands where attention cannot be shown yet, or at all.
enum AttentionNotice {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        let text = session.snapshot == nil ? session.busy ?? "no model is open — :open PATH" : "This model has no attention."
        surface.put(area.x + 1, area.y + 1, text, .dim)
    }

    static func draw(_ session: Session, _ focus: AttentionFocus, _ surface: inout Surface, _ area: Rect) {
        let lines = [
            Line("The run stands before layer \(focus.layer)'s attention.", .text), [],
            Line(AttentionScores.card.formula, .formula), Line(Softmax.card.formula, .formula), [],
            [Span("Space", .key), Span(" runs on, ", .hint), Span("[", .key), Span(" goes to an earlier layer", .hint)],
        ]
        for (row, line) in lines.prefix(area.height).enumerated() { surface.put(area.x + 1, area.y + 1 + row, line, width: area.width - 2) }
    }
}
