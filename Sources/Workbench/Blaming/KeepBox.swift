import Engine
import Screen

/// The fewest values that must stay wide for the result to keep to a tolerance, as far as the search has come.
enum KeepBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ selection: Int) {
        guard let state = session.kept else { return }
        let heading = heading(state, min(area.width - 8, 116))
        let size = Size(min(area.width - 4, 120), min(area.height - 2, state.kept.count + heading.count + 2))
        let label = state.isRunning ? "C-c stops  q close" : "a apply  w save  Enter goes there  q close"
        let inside = Overlay("Keep within \(state.tolerance)", label: label, size: size).draw(into: &surface, in: area)
        for (row, line) in heading.enumerated() { surface.put(inside.x, inside.y + row, line, width: inside.width) }
        let body = Rect(inside.x, inside.y + heading.count, inside.width, inside.height - heading.count)
        table(state, selection).draw(into: &surface, in: body)
    }

    private static func heading(_ state: KeepState, _ width: Int) -> [Line] {
        let count = Span("\(state.kept.count) of \(state.total) values", .emphasis)
        let must = state.isRunning || state.isCutShort ? "are still" : "must be"
        let formats = Span(" \(must) \(state.titles[1]), the rest \(state.titles[0])", .overlay)
        let head = fitting([[count, Span(" and weights", .emphasis), formats], [count, formats]], width)
        let trials = "\(state.trials) measurements over \(state.tokens) tokens"
        let progress = state.isRunning ? "decided on \(state.done), \(trials)" : trials + (state.isCutShort ? "; fewer may do" : "")
        return [head, Line(progress, .dim), effect(state, width)] + kinds(state, width) + [[]]
    }

    private static func effect(_ state: KeepState, _ width: Int) -> Line {
        guard let verified = state.verified else { return [Span("so far ", .dim), Span(words(state.effect), .overlay)] }
        let sign = state.holds ? Span("  ✓ keeps to it", .ok) : Span("  ✗ does not", .err)
        let end = [Span(words(verified), .emphasis), sign]
        return fitting([Line([Span("run on its own ", .dim)] + end), Line(end)], width)
    }

    /// The first line that there is room for, or the last.
    private static func fitting(_ lines: [Line], _ width: Int) -> Line { lines.first { $0.width <= width } ?? lines[lines.count - 1] }

    private static func words(_ effect: Departure) -> String {
        "kl \(Numbers.compact(effect.kl))  nmse \(Numbers.compact(effect.nmse))  top-1 \(Numbers.fixed(100 * effect.top1, decimals: 0)) %"
    }

    /// How many of each op.
    private static func kinds(_ state: KeepState, _ width: Int) -> [Line] {
        let kinds = Dictionary(grouping: state.kept, by: \.kind).map { ($0.key, $0.value.count) }.sorted { ($0.1, $1.0) > ($1.1, $0.0) }
        return Prose.wrap(kinds.map { "\($0.1) \($0.0)" }.joined(separator: ", "), width: width, role: .dim)
    }

    private static func table(_ state: KeepState, _ selection: Int) -> TableView {
        let columns = [
            TableView.Column(state.titles[1], width: .rest), TableView.Column("op", width: .fixed(20)),
            TableView.Column("layer", width: .fixed(6), align: .right),
        ]
        return TableView(columns, count: state.kept.count, selection: min(selection, max(state.kept.count - 1, 0))) { row in
            let unit = state.kept[row]
            return [Span(Names.short(unit.name)), Span(unit.kind, .dim), Span(unit.layer.map(String.init) ?? "", .dim)]
        }
    }
}
