import Engine
import Screen

/// The ops that make the error at the logits, worst first, with a bar each.
enum BlameBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ selection: Int) {
        guard let state = session.blame else { return }
        let width = min(area.width - 4, 120)
        let heading = heading(state, width)
        let size = Size(width, min(area.height - 2, state.blame.entries.count + heading.count + 3))
        let label = state.isRunning ? "C-c stops  q close" : "Enter goes there  q close"
        let inside = Overlay("Blame: \(state.titles[0]) against \(state.titles[1])", label: label, size: size).draw(
            into: &surface, in: area)
        for (row, line) in heading.enumerated() { surface.put(inside.x, inside.y + row, line, width: inside.width) }
        let rows = Rect(inside.x, inside.y + heading.count + 1, inside.width, inside.height - heading.count - 1)
        table(state, selection, inside.width).draw(into: &surface, in: rows)
    }

    private static func heading(_ state: BlameState, _ width: Int) -> [Line] {
        let count = "\(state.blame.entries.count) of \(state.total) measured"
        let low: Line = [Span("all \(state.titles[0]): ", .dim), Span(words(state.blame.low), .emphasis), Span("  \(count)", .dim)]
        let tokens = Span(" over \(state.tokens) tokens", .dim)
        let legend = "lifted: it alone high (~ moves it as any change does); alone: it alone low"
        return [
            low.width + tokens.text.count <= width ? Line(low.spans + [tokens]) : low,
            [Span("all \(state.titles[1]): ", .dim), Span(words(state.blame.high), .overlay)],
        ] + Prose.wrap(legend, width: width, role: .dim)
    }

    private static func words(_ effect: Departure) -> String { "kl \(Numbers.compact(effect.kl))  nmse \(Numbers.compact(effect.nmse))" }

    private static func table(_ state: BlameState, _ selection: Int, _ width: Int) -> TableView {
        let entries = state.blame.sorted
        let most = entries.map(\.alone.nmse).filter(\.isFinite).max() ?? 0
        let barWidth = max(8, min(30, width - 66))
        // Where there is no room for both, the name says more than the op.
        let hasOps = width >= 68
        let columns =
            [TableView.Column("value", width: .rest)] + (hasOps ? [TableView.Column("op", width: .fixed(16))] : []) + [
                TableView.Column("lifted", width: .fixed(10), align: .right), TableView.Column("alone", width: .fixed(10), align: .right),
                TableView.Column("error", width: .fixed(barWidth)),
            ]
        return TableView(columns, count: entries.count, selection: min(selection, max(entries.count - 1, 0))) { row in
            let entry = entries[row]
            let mark = state.blame.gain(entry) > 2 * state.blame.spread ? "" : "~"
            return [Span(Names.short(entry.name))] + (hasOps ? [Span(entry.kind, .dim)] : []) + [
                Span(mark + Numbers.compact(entry.lifted.nmse)), Span(Numbers.compact(entry.alone.nmse), .emphasis),
                Span(bar(entry.alone.nmse, most, barWidth), .accent),
            ]
        }
    }

    private static func bar(_ error: Double, _ most: Double, _ width: Int) -> String {
        guard error.isFinite else { return "no number" }
        let eighths = most > 0 ? Int((error / most * Double(8 * width)).rounded()) : 0
        return String(repeating: "█", count: eighths / 8) + (eighths % 8 > 0 ? String(Array("▏▎▍▌▋▊▉")[eighths % 8 - 1]) : "")
    }
}
