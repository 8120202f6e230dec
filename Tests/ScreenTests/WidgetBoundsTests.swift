import Screen
import Testing

@Suite struct WidgetBoundsTests {
    /// Every widget at every small size, inside a frame that must stay untouched.
    @Test(arguments: 0...14)
    func widgetsStayInside(_ width: Int) {
        for height in 0...9 {
            for draw in Self.widgets {
                let rect = Rect(2, 1, width, height)
                var surface = Surface(width: width + 4, height: height + 2)
                surface.fill(surface.bounds, Cell("~"))
                draw(&surface, rect)
                for y in 0..<surface.height {
                    for x in 0..<surface.width where !rect.contains(Point(x, y)) { #expect(surface[x, y].glyph == "~") }
                }
            }
        }
    }

    private static let widgets: [@Sendable (inout Surface, Rect) -> Void] = [
        { Tabs([.init("1", "日本"), .init("2", "Attn")], active: 0, label: "label").draw(into: &$0, in: $1) },
        { StatusLine("some status 日本", right: "right").draw(into: &$0, in: $1) },
        { HintBar([.init("h", "help"), .init("日", "本")]).draw(into: &$0, in: $1) },
        { TreeView(Array(repeating: .init("日本語", depth: 3, fold: .open, detail: "d"), count: 20), selection: 9).draw(into: &$0, in: $1) },
        {
            TableView([.init("t", width: .rest), .init("u", width: .fixed(5))], count: 20, selection: 3) { _ in
                ["日本", "b"].map { Span($0) }
            }.draw(into: &$0, in: $1)
        },
        { Bars([.init("日本語", 1), .init("b", -2)], selection: 0).draw(into: &$0, in: $1) },
        { Histogram([1, 2, 3, 0, 9], low: -1, high: 1, outside: HeatCounts(nan: 9)).draw(into: &$0, in: $1) },
        {
            LinePlot([.init("日本", [1, .nan, .infinity, 3]), .init("b", [])], cursor: 2, reference: 2, referenceName: "日本").draw(
                into: &$0, in: $1)
        },
        { CirclePlot(before: .init(1, 0), after: .init(.nan, .infinity)).draw(into: &$0, in: $1) },
        { CirclePlot(before: .init(1, 0), after: .init(1e300, -1e300), radius: 1e-300).draw(into: &$0, in: $1) },
        { Prose(markdown: "# 日本語\n- text", width: $1.width).draw(into: &$0, in: $1) },
        { Overlay("日本", label: "x", size: Size(9, 4)).draw(into: &$0, in: $1) },
        { Overlay("日本", label: "x", size: Size(90, 40), place: .corner).draw(into: &$0, in: $1) },
        { PromptLine("日", "日本語日本語", cursor: 3, completions: ["日本"]).draw(into: &$0, in: $1) },
        {
            HeatMap(
                PooledGrid(rows: 3, columns: 3, values: [1, .nan, 2, 3, 4, 5, 6, 7, 8]), scale: .symmetric(9), map: .diverging,
                cursor: Point(1, 1), rowLabels: ["日本語", "b", "c"], columnLabels: ["日本語", "b", "c"]
            ).draw(into: &$0, in: $1)
        },
        {
            HeatMap(PooledGrid(rows: 0, columns: 0, values: []), scale: .symmetric(.nan), map: .attention, cursor: Point(9, 9)).draw(
                into: &$0, in: $1)
        },
        {
            HeatMap(
                PooledGrid(rows: 9, columns: 40, values: Array(repeating: 1, count: 360), flags: [], sourceHeight: 900, sourceWidth: 4000),
                scale: .symmetric(1), map: .diverging, cursor: Point(3999, 899)
            ).draw(into: &$0, in: $1)
        },
        { $0.box($1, title: "日本語", label: "x", focused: true) },
    ]
}
