import Screen

/// The probabilities of a pass over one token as columns that stand under the picture's own: such a picture is one line high.
struct AttentionColumns {
    private static let eighths: [Unicode.Scalar] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    let focus: AttentionFocus
    let picture: AttentionPicture
    let plan: HeatPlan

    /// Under the picture, above a line of text and the colour bar.
    private var rect: Rect { Rect(plan.plot.x, plan.plot.bottom + 1, plan.plot.width, plan.bar.y - plan.plot.bottom - 3) }

    func draw(into surface: inout Surface) {
        guard focus.values.queries == 1, rect.height >= 2 else { return }
        for bin in 0..<min(plan.columns, picture.grid.columns) {
            let area = Rect(rect.x + bin * plan.binWidth, rect.y, plan.binWidth, rect.height)
            let isCursor = focus.key * plan.columns / max(focus.values.keys, 1) == bin
            draw(picture.grid.values[bin], into: &surface, area, isCursor ? .accent : .series0)
        }
        let text =
            focus.past > 0
            ? "one query; keys 0–\(focus.past - 1) come from the cache" : "one query: a text of one token"
        surface.put(plan.bar.x, plan.bar.y - 1, Line(text, .dim), width: plan.bar.width)
    }

    /// A column in eighths of a cell; full height is probability 1. A gap stays between wide ones.
    private func draw(_ p: Float, into surface: inout Surface, _ area: Rect, _ role: Role) {
        guard p.isFinite, p > 0 else { return }
        let eighths = max(1, Int((Double(min(p, 1)) * Double(area.height * 8)).rounded()))
        let width = area.width >= 3 ? area.width - 1 : area.width
        for line in 0..<(eighths + 7) / 8 {
            let glyph = AttentionColumns.eighths[min(eighths - line * 8, 8) - 1]
            surface.horizontal(area.x, area.bottom - 1 - line, width, glyph, role)
        }
    }
}
