import Foundation
import Screen

/// The gradients' norms layer by layer on a log axis, a line a kind: one that vanishes or explodes is seen at once.
package enum GradientNormsPane: Pane {
    package static let name = "Norms"
    package static func title(_ session: Session) -> String { "‖grad‖ by layer, log" }

    /// The lines' names where the plot is too low for a legend.
    package static func label(_ session: Session) -> String {
        guard Breakpoint(session.size) == .standard, let kinds = session.reverse?.kinds else { return trend(session) ?? "" }
        return kinds.prefix(5).enumerated().map { "\(Character(LinePlot.markers[$0.offset]))\($0.element.name.prefix(3))" }
            .joined(separator: " ")
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let list = session.reverse, let layers = list.kinds.first?.gradients.count, layers > 0 else { return }
        let series = list.kinds.enumerated().map { number, kind in
            LinePlot.Series(kind.name, kind.gradients.map { norm(session, $0) }, index: number)
        }
        guard series.contains(where: { $0.values.contains { $0 != 0 } }) else {
            surface.put(area.x + 1, area.y, "the walk has not reached a layer yet", .dim)
            return
        }
        let cursor = session.gradientTarget.flatMap { list.program.values[safe: $0.id]?.layer }
        let columns = area.inset(1, 0).columns([.rest, .fixed(area.width >= 70 ? legendWidth : 0)])
        var plot = LinePlot(
            series, isLogarithmic: true, firstLabel: "layer 0", lastLabel: "\(layers - 1)", cursor: layers > 1 ? cursor : nil)
        plot.showsLegend = columns[1].isEmpty
        plot.draw(into: &surface, in: columns[0])
        drawLegend(series, at: cursor, &surface, columns[1])
    }

    private static let legendWidth = 22

    /// The lines by their marks, with the norm at the layer that is looked at, or at the last.
    private static func drawLegend(_ series: [LinePlot.Series], at layer: Int?, _ surface: inout Surface, _ area: Rect) {
        guard !area.isEmpty else { return }
        surface.put(area.x + 2, area.y, layer.map { "at layer \($0)" } ?? "at the last layer", width: area.width - 2, style: .role(.dim))
        for (number, line) in series.enumerated() {
            let mark = Character(LinePlot.markers[number % LinePlot.markers.count])
            let norm = layer.flatMap { line.values[safe: $0] } ?? line.values.last ?? 0
            let shown = norm == 0 ? "…" : Numbers.compact(Double(norm))
            surface.put(
                area.x + 2, area.y + 1 + number, Line("\(mark) \(line.name)", line.role), width: area.width - 4 - VisibleText.width(shown))
            surface.put(area.right - 1 - VisibleText.width(shown), area.y + 1 + number, shown, .text)
        }
    }

    /// 0 where it has not been computed: a log axis leaves it out.
    private static func norm(_ session: Session, _ gradient: Int?) -> Float {
        guard let gradient, let value = session.isDifferentiated ? ValueRef(id: gradient) : nil, session.isComputed(value),
            let s = session.statistics(value)
        else { return 0 }
        return s.nan > 0 ? .nan : Float(s.norm)
    }

    /// How the residual stream's gradient changes on its way back.
    static func trend(_ session: Session) -> String? {
        guard let gradients = session.reverse?.kinds.first?.gradients else { return nil }
        let norms = gradients.map { norm(session, $0) }
        guard let first = norms.first, let last = norms.last, first > 0, last > 0, norms.count > 1 else { return nil }
        return "residual, layer \(norms.count - 1) → 0: × \(Numbers.compact(first / last))"
    }
}
