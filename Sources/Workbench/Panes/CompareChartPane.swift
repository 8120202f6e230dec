import Engine
import Screen

/// How far each run is from the base, layer by layer: log₁₀ ‖A − B‖, a line a run, as in the workshop's chart of Gemma's fixes.
package enum CompareChartPane: Pane {
    package static let name = "Error"

    package static func title(_ session: Session) -> String {
        session.compare.axis == .layers ? "log₁₀ ‖A−B‖ by layer" : "log₁₀ ‖A−B‖ in running order"
    }

    package static func label(_ session: Session) -> String {
        session.compared.base.isEmpty ? "" : CompareWords.limit(session.compared.tolerance)
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard !session.comparedLines.isEmpty else { return drawHelp(session, &surface, area) }
        let series = series(session)
        guard series.contains(where: { $0.values.contains { !$0.isNaN } }) else {
            surface.put(area.x + 1, area.y, Line("the same bits so far: nothing to draw", .dim), width: area.width - 2)
            return
        }
        let isLayers = session.compare.axis == .layers
        var plot = LinePlot(
            series, firstLabel: isLayers ? "embedding" : session.comparedRows.first.map { Names.short($0.name) } ?? "",
            lastLabel: isLayers
                ? "layer \(session.compared.streamCount - 2)" : session.comparedRows.last.map { Names.short($0.name) } ?? "",
            cursor: cursor(session))
        plot.showsLegend = Screen.Breakpoint(session.size) == .single || session.isZoomed
        plot.draw(into: &surface, in: area.inset(1, 0))
    }

    /// Of the layers the stream behind each; else every value.
    private static func series(_ session: Session) -> [LinePlot.Series] {
        let isLayers = session.compare.axis == .layers
        let count = isLayers ? session.compared.streamCount : session.comparedLines.map(\.total).max() ?? 0
        return session.comparedLines.enumerated().map { number, line in
            let rows = isLayers ? line.comparison.stream.map { line.comparison.rows[$0] } : line.comparison.rows
            let values = rows.map { row in row.logNorm.map { Float($0) } ?? .nan }
            var series = LinePlot.Series(line.name, values + Array(repeating: .nan, count: max(count - values.count, 0)), index: number)
            // What is the same to the last bit has no logarithm, and what is not measured yet no number.
            series.marksGaps = false
            return series
        }
    }

    private static func cursor(_ session: Session) -> Int? {
        guard session.compare.axis == .layers else { return session.comparedRows.isEmpty ? nil : session.comparedRowIndex }
        return session.comparedRow?.layer.map { $0 + 1 } ?? (session.comparedRowIndex == 0 ? 0 : nil)
    }

    private static func drawHelp(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        let isPinned = session.compared.isPinned
        let first =
            isPinned
            ? "\(session.compared.base) is pinned: change a format (P), a quirk (Q) or a number, then p"
            : "p pins this run; others are then held against it"
        let lines: [Line] = [
            Line(first, .text), [], [Span(":compare policy bf16", .key), Span("  this run in another format", .dim)],
            [Span(":compare quirk NAME,NAME", .key), Span("  with published mistakes", .dim)],
            [Span(":compare kernel NAME PATTERN", .key), Span("  with another kernel", .dim)],
            [Span(":diff PATH", .key), Span("  another checkpoint, or a dump from PyTorch", .dim)],
        ]
        Prose(lines: lines).draw(into: &surface, in: area.inset(1, area.height > 8 ? 1 : 0))
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard case .by(let dx, _) = step, dx != 0 else { return false }
        if session.compare.axis == .layers { session.moveComparedLayer(dx) } else { session.selectCompared(session.comparedRowIndex + dx) }
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openComparedElement() }
}
