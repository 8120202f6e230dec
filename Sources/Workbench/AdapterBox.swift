import Engine
import Screen

/// What the adapter does: to the stream behind each layer, and to each module's output.
enum AdapterBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard let adapter = session.adapter else { return }
        let rows = effect(session)?.layers.count ?? 8
        let size = Size(area.width - 6, min(area.height - 4, max(rows + 6, 15)))
        let inside = Overlay("Adapter \(adapter.name)", label: "+ - scale  o on/off  m merge  n unload  u undo  q close", size: size).draw(
            into: &surface, in: area)
        for (number, line) in head(session, adapter).enumerated() {
            surface.put(inside.x, inside.y + number, line, width: inside.width)
        }
        let body = Rect(inside.x, inside.y + 3, inside.width, inside.height - 3)
        guard let effect = effect(session) else {
            let text: String
            if case .failed(let why)? = session.answers[.adapterEffect] { text = why } else { text = "comparing with the run without it…" }
            surface.put(body.x, body.y, Line(text, .dim), width: body.width)
            return
        }
        let columns = body.columns([.share(2), .fixed(2), .share(3)])
        layers(effect, &surface, columns[0])
        parts(effect, adapter, &surface, columns[2])
    }

    private static func effect(_ session: Session) -> AdapterEffect? {
        guard case .adapterEffect(let effect)? = session.answers[.adapterEffect] else { return nil }
        return effect
    }

    private static func head(_ session: Session, _ adapter: AdapterState) -> [Line] {
        let shape = "r \(adapter.rank)  α \(Numbers.label(adapter.alpha))  beside \(adapter.modules) matrices"
        var last: [Span] = [Span("adapter scale S sets any strength, 1 is as it was trained", .dim)]
        if let report = adapter.report { last = [Span(EditWords.summary(report, session), .overlay)] }
        return [[Span(adapter.mode.words, .accent), Span("   \(shape)", .overlay)], Line(last)]
    }

    /// How far the stream is from where it would be.
    private static func layers(_ effect: AdapterEffect, _ surface: inout Surface, _ area: Rect) {
        surface.put(area.x, area.y, Line("stream ‖Δ‖/‖base‖", .heading), width: area.width)
        let bars = effect.layers.map { Bars.Item($0.name, $0.change, text: Numbers.compact($0.change)) }
        Bars(bars, full: nil, selection: nil).draw(into: &surface, in: Rect(area.x, area.y + 1, area.width, area.height - 1))
    }

    private static func parts(_ effect: AdapterEffect, _ adapter: AdapterState, _ surface: inout Surface, _ area: Rect) {
        surface.put(area.x, area.y, Line("module ‖s·B·A·x‖/‖W·x‖", .heading), width: area.width)
        let rest = Rect(area.x, area.y + 1, area.width, area.height - 1)
        guard let grid = effect.parts else {
            let why =
                adapter.mode.place == .merged
                ? "merged: nothing stands beside the matrices" : "unloaded: nothing stands beside the matrices"
            surface.put(rest.x, rest.y, Line(why, .dim), width: rest.width)
            return
        }
        let most = Double(grid.values.max() ?? 0)
        HeatMap(
            grid, scale: HeatScale(lo: 0, hi: most > 0 ? most : 1), map: .sequential, rowLabels: effect.rows, columnLabels: effect.columns
        ).draw(into: &surface, in: rest)
    }
}
