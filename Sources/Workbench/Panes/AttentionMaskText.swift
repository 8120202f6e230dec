import Screen

/// The mask has two values: they stand in the cells where there is room, and are named where the colour bar would be.
struct AttentionMaskText {
    let focus: AttentionFocus
    let picture: AttentionPicture
    let plan: HeatPlan

    private static let seen = Style.onHeat(.attention, level: UInt8(Style.levels - 1))

    func draw(into surface: inout Surface) {
        if plan.showsNumbers { drawCells(&surface) }
        surface.fill(plan.bar, .text)
        surface.put(plan.bar.x, plan.bar.y, legend, width: plan.bar.width)
    }

    private func drawCells(_ surface: inout Surface) {
        for row in 0..<plan.rows {
            let visible = focus.values.visible(row)
            let y = plan.plot.y + row * plan.binHalves / 2 + (plan.binHalves / 2 - 1) / 2
            for key in 0..<plan.columns {
                let isCursor = row == focus.row && key == focus.key
                let (text, style) = visible.contains(key) ? ("0", AttentionMaskText.seen) : ("−∞", .role(isCursor ? .cursor : .masked))
                let x = plan.plot.x + key * plan.binWidth
                surface.put(
                    x, y, isCursor ? "▸\(text)◂" : text, width: plan.binWidth, align: .center, style: style,
                    attributes: isCursor ? .bold : [])
            }
        }
    }

    private var legend: Line {
        let mask = focus.values.mask
        let rule = [
            mask.causal ? "causal" : "both ways", mask.window > 0 ? "window \(mask.window)" : "",
            mask.past > 0 ? "\(mask.past) before" : "",
        ]
        let spans = [
            Span(" 0 ", style: AttentionMaskText.seen), Span(" seen \(Numbers.count(picture.visible))   ", .text), Span("−∞", .masked),
            Span(" hidden \(Numbers.count(picture.hidden))   ", .text), Span(rule.filter { !$0.isEmpty }.joined(separator: ", "), .dim),
        ]
        guard let exact = picture.isMaskedExactly else { return Line(spans) }
        return Line(spans + [exact ? Span("   scores −∞ exactly there ✓", .ok) : Span("   the scores differ ✗", .err)])
    }
}
