import Screen

/// All heads of the layer as small pictures, each with the mean entropy of its queries.
package enum AttentionHeadsPane: Pane {
    package static let name = "Heads"

    package static func title(_ session: Session) -> String {
        guard let focus = session.attentionFocus else { return "Heads" }
        return "\(session.formatSign(among: [focus.values.probs]))Heads of layer \(focus.layer)"
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.attentionFocus else { return "" }
        let groups = focus.values.keyHeads < focus.values.heads ? "\(focus.values.heads) on \(focus.values.keyHeads) kv heads  " : ""
        return Breakpoint(session.size) == .standard ? "mean nats" : groups + "mean nats"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard let focus = session.attentionFocus, session.snapshot?.stepper.isComputed(focus.values.probs) == true else { return [] }
        return session.attentionRequests(focus) + [question(focus, AttentionTiles(area, focus))]
    }

    private static func question(_ focus: AttentionFocus, _ tiles: AttentionTiles) -> Request {
        let plan = tiles.plan
        return .attention(.heads(layer: focus.layer, rows: plan.rows, columns: plan.columns))
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.attentionFocus else { return }
        guard session.snapshot?.stepper.isComputed(focus.values.probs) == true else {
            if session.attention.showsAllHeads { AttentionNotice.draw(session, focus, &surface, area) }
            return
        }
        let tiles = AttentionTiles(area, focus)
        guard case .attention(.heads(let heads))? = session.answers[question(focus, tiles)] else { return }
        for (head, rect) in tiles.visible where heads.indices.contains(head) {
            drawHeading(focus, head, heads[head].entropy, &surface, rect)
            drawPicture(session, focus, heads[head], &surface, tiles.picture(rect), isSelected: head == focus.head)
        }
    }

    /// `▸H5 kv1 1.80`: the sign marks the selected one without colour; the kv head only where there is room.
    private static func drawHeading(_ focus: AttentionFocus, _ head: Int, _ entropy: Double, _ surface: inout Surface, _ rect: Rect) {
        let isSelected = head == focus.head
        let group = focus.values.keyHeads < focus.values.heads && rect.width >= 16 ? " kv\(focus.values.keyHead(of: head))" : ""
        let name = isSelected ? "▸H\(head)" : " H\(head)"
        let number = Numbers.fitting(entropy, columns: min(4, rect.width - name.count - group.count - 1)) ?? ""
        let line = [
            Span(name, isSelected ? .titleFocus : .text), Span(group, .dim),
            Span(" \(number)", entropy.isNaN ? .err : isSelected ? .titleFocus : .dim),
        ]
        surface.put(rect.x, rect.y, Line(line), width: rect.width)
    }

    private static func drawPicture(
        _ session: Session, _ focus: AttentionFocus, _ head: AttentionThumbnail, _ surface: inout Surface, _ rect: Rect, isSelected: Bool
    ) {
        let scale = HeatScale(session.attention.isLog ? .log : .linear, lo: 0, hi: 1, floor: 1e-4)
        let isLarge = session.attention.showsAllHeads && isSelected
        HeatMap(
            head.grid, scale: scale, map: session.view.map ?? .attention, cursor: isLarge ? Point(focus.key, focus.row) : nil,
            showsNumbers: false,
            showsRulers: false, showsBar: false
        ).draw(into: &surface, in: rect)
    }

    // MARK: keys and mouse

    /// Among the heads, as they lie on the screen.
    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard let focus = session.attentionFocus, let area = Drawing.focused(session)?.rect.inset(1, 1) else { return false }
        let columns = AttentionTiles(area, focus).columns
        var head = focus.head
        switch step {
        case .by(let dx, let dy): head += dx + dy * columns
        case .first, .rowStart: head = 0
        case .last, .rowEnd: head = focus.values.heads - 1
        default: return false
        }
        if (0..<focus.values.heads).contains(head) { session.attention.head = head }
        return true
    }

    /// Enter looks at the selected head alone.
    package static func activate(_ session: inout Session) -> [Effect] {
        session.attention.showsAllHeads = false
        session.focus[.attention] = 0
        session.isZoomed = false
        return []
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let focus = session.attentionFocus else { return }
        if let hit = AttentionTiles(area, focus).visible.first(where: { $0.rect.contains(point) }) { session.attention.head = hit.head }
    }
}

/// Where small pictures of heads lie: in as many columns as make them largest, scrolled to the selected one where not all fit.
struct AttentionTiles {
    let columns: Int
    /// The size of a tile: a line of text over a picture.
    let tile: Size
    private let area: Rect
    private let focus: AttentionFocus

    /// The least that still shows a pattern.
    private static let least = Size(8, 4)

    init(_ area: Rect, _ focus: AttentionFocus) {
        (self.area, self.focus) = (area, focus)
        let count = max(focus.values.heads, 1)
        let widest = max(1, min(count, area.width / AttentionTiles.least.width))
        columns = (1...widest).max { AttentionTiles.score($0, count, area) < AttentionTiles.score($1, count, area) } ?? 1
        tile = AttentionTiles.tile(columns, count, area)
    }

    private static func tile(_ columns: Int, _ count: Int, _ area: Rect) -> Size {
        let rows = (count + columns - 1) / columns
        return Size(area.width / columns, max(area.height / max(rows, 1), min(least.height, area.height)))
    }

    /// The shorter side of the picture in half rows; then, whether all are seen.
    private static func score(_ columns: Int, _ count: Int, _ area: Rect) -> Int {
        let tile = tile(columns, count, area)
        let seen = min(count, columns * max(area.height / max(tile.height, 1), 1))
        return seen * 1000 + min(tile.width - 1, 2 * (tile.height - 1))
    }

    /// The heads in sight with their tiles.
    var visible: [(head: Int, rect: Rect)] {
        let rows = max(area.height / max(tile.height, 1), 1)
        let all = (focus.values.heads + columns - 1) / columns
        let lines = Scrolling.visible(all, in: rows, selection: focus.head / columns)
        return (lines.lowerBound * columns..<min(lines.upperBound * columns, focus.values.heads)).map { head in
            let line = head / columns - lines.lowerBound
            return (head, Rect(area.x + head % columns * tile.width, area.y + line * tile.height, tile.width - 1, tile.height))
        }
    }

    /// The picture below the heading; a line stays free between rows where there are lines to spare.
    func picture(_ rect: Rect) -> Rect { Rect(rect.x, rect.y + 1, rect.width, rect.height - (rect.height > 6 ? 2 : 1)) }

    /// How a picture is drawn in any of the tiles.
    var plan: HeatPlan {
        let rect = picture(Rect(0, 0, tile.width - 1, tile.height))
        return HeatMap.plan(rect, source: Size(focus.values.keys, focus.values.queries), numbers: false, rulers: false, bar: false)
    }
}
