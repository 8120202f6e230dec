import Screen
import Testing

@Suite struct WidgetTests {
    @Test func tabs() {
        let tabs = Tabs([.init("1", "Explore"), .init("2", "Attn"), .init("7", "Tok")], active: 1, label: "fables-llama f32")
        expectGolden(
            drawn(48, 1) { tabs.draw(into: &$0, in: $1) },
            [
                " 1 Explore  2 Attn  7 Tok      fables-llama f32 "
            ],
            styles: [
                "11 tab, 8 tab.active, 29 tab"
            ])
        expectGolden(
            drawn(20, 1) { tabs.draw(into: &$0, in: $1) },
            [
                " 1  2 Attn  7       "
            ],
            styles: [
                "3 tab, 8 tab.active, 9 tab"
            ])
    }

    @Test func statusAndHints() {
        let status = StatusLine(
            [Span("wq [87, 301] = -0.0312716383"), Span(" ✓", .ok), Span("  zoom 1:5", .dim)], right: [Span("▶ 41/96", .statusKey)])
        let hints = HintBar([.init("hjkl", "move"), .init("Enter", "open"), .init("?", "help")])
        let surface = drawn(44, 2) {
            status.draw(into: &$0, in: Rect(0, 0, 44, 1))
            hints.draw(into: &$0, in: Rect($1.x, 1, 30, 1))
        }
        expectGolden(
            surface,
            [
                " wq [87, 301] = -0.0312716383 ✓  z… ▶ 41/96 ",
                " hjkl move  Enter open  ? help              ",
            ],
            styles: [
                "29 status, 2 status.ok, 5 status, 7 status.key, 1 status",
                "1 text, 4 key, 1 text, 4 hint, 2 text, 5 key, 1 text, 4 hint, 2 text, 1 key, 1 text, 4 hint, 14 text",
            ])
        #expect(hints.fitting(30) == 3 && hints.fitting(29) == 2 && hints.fitting(0) == 0)
    }

    @Test func tree() {
        let rows: [TreeView.Row] = [
            .init("model", fold: .open, detail: Line("28.6M", .dim)), .init("layers", depth: 1, fold: .open),
            .init([Span("0 "), Span("N 3", .nan)], depth: 2, fold: .closed, sign: Span("●", .breakpoint)),
            .init("q_proj", depth: 3, detail: Line("512×512", .dim)), .init("norm", depth: 1, detail: Line("512", .dim)),
        ]
        expectGolden(
            drawn(22, 6) { TreeView(rows, selection: 2, hasSigns: true).draw(into: &$0, in: $1) },
            [
                "  ▾ model        28.6M",
                "   ▾ layers           ",
                "●   ▸ 0 N 3           ",
                "       q_proj  512×512",
                "     norm          512",
                "                      ",
            ],
            styles: [
                "2 text, 1 dim, 14 text, 5 dim",
                "3 text, 1 dim, 18 text",
                "8 select, 3 nan +underline, 11 select",
                "15 text, 7 dim",
                "19 text, 3 dim",
                "22 text",
            ])
        expectGolden(
            drawn(14, 3) { TreeView(rows, selection: 3, isFocused: false).draw(into: &$0, in: $1) },
            [
                "  ▸ 0 N 3    ▴",
                "     q_proj   ",
                "   norm   512 ",
            ],
            styles: [
                "2 text, 1 dim, 3 text, 3 nan, 4 text, 1 dim",
                "14 select.dim",
                "10 text, 3 dim, 1 text",
            ])
    }

    @Test func table() {
        let table = TableView(
            [.init("name", width: .rest), .init("std", width: .fixed(8), align: .right)], count: 1000, selection: 500
        ) { [Span("value \($0)"), Span(Numbers.compact(Double($0) / 7), .dim)] }
        expectGolden(
            drawn(24, 5) { table.draw(into: &$0, in: $1) },
            [
                "name                std ",
                "value 498          71.1▴",
                "value 499          71.3 ",
                "value 500          71.4 ",
                "value 501          71.6▾",
            ],
            styles: [
                "14 dim, 1 text, 8 dim, 1 text",
                "15 text, 9 dim",
                "15 text, 8 dim, 1 text",
                "24 select",
                "15 text, 9 dim",
            ])
        #expect(table.index(at: Point(3, 2), in: Rect(0, 0, 24, 5)) == 499)
        #expect(table.index(at: Point(3, 0), in: Rect(0, 0, 24, 5)) == nil)
    }

    @Test func bars() {
        let bars = Bars(
            [.init("cat", 0.405), .init("日本", 0.223), .init("\u{1B}[0m", -0.122), .init("none", .nan, text: "NaN")], selection: 1)
        expectGolden(
            drawn(30, 4) { bars.draw(into: &$0, in: $1) },
            [
                "cat       █████████████  0.405",
                "日本      ███████▏       0.223",
                "<0x1B>[0m ███▉          -0.122",
                "none                       NaN",
            ],
            styles: [
                "10 text, 13 series.0, 1 text, 6 dim",
                "10 select, 8 series.0, 12 select",
                "10 text, 4 series.1, 10 text, 6 dim",
                "24 text, 6 dim",
            ])
    }

    @Test func histogram() {
        let counts = [0, 1, 5, 40, 300, 2000, 300, 40, 5, 1, 0, 0]
        let plain = Histogram(counts, low: -0.41, high: 0.4, outside: HeatCounts(nan: 3))
        expectGolden(
            drawn(24, 5) { plain.draw(into: &$0, in: $1) },
            [
                "          ██            ",
                "        ██████          ",
                "      ██████████        ",
                "  ▃▃██████████████▃▃    ",
                "-0.41 N 3   0       +0.4",
            ],
            styles: [
                "10 text, 2 series.0, 12 text",
                "8 text, 6 series.0, 10 text",
                "6 text, 10 series.0, 8 text",
                "2 text, 18 series.0, 4 text",
                "5 ruler, 1 text, 3 nan, 3 text, 1 ruler, 7 text, 4 ruler",
            ])
        expectGolden(
            drawn(6, 3) { Histogram(counts, low: 0, high: 1, isLogarithmic: false).draw(into: &$0, in: $1) },
            [
                "  █   ",
                "▁▁█▂▁ ",
                "0    1",
            ])
    }

    @Test(arguments: PlotGlyphs.allCases)
    func linePlot(_ glyphs: PlotGlyphs) {
        let values: [Float] = [0, 1, 2, 3, .nan, 2, 1, .infinity, 0, -1, -2, -.infinity, -1]
        let surface = drawn(32, 6) { LinePlot([.init("a", values)], glyphs: glyphs, lastLabel: "12").draw(into: &$0, in: $1) }
        switch glyphs {
        case .braille:
            expectGolden(
                surface,
                [
                    " 3      ⡠⠔⠁        ▲            ",
                    "     ⢀⠤⠊      ⠈⠢⢄               ",
                    "   ⡠⠒⠁           ⠁    ⡀         ",
                    "   ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄⠈⠢⡀┄┄┄┄┄┄⢀",
                    "-2          N           ⠈⠒⢄ ▼   ",
                    "   0                          12",
                ],
                styles: [
                    "2 ruler, 6 text, 3 series.0, 8 text, 1 posinf, 12 text",
                    "5 text, 3 series.0, 6 text, 3 series.0, 15 text",
                    "3 text, 3 series.0, 11 text, 1 series.0, 4 text, 1 series.0, 9 text",
                    "3 text, 19 border, 3 series.0, 6 border, 1 series.0",
                    "2 ruler, 10 text, 1 nan, 11 text, 3 series.0, 1 text, 1 neginf, 3 text",
                    "3 text, 1 ruler, 26 text, 2 ruler",
                ])
        case .block:
            expectGolden(
                surface,
                [
                    " 3      ▁▁██   ▁▁  ▲            ",
                    "      ▁▁████   ██▁▁             ",
                    "   ▁▁▁██████   ████  ▁▁▁        ",
                    "   █████████┄┄┄████┄┄███▁▁┄┄┄┄▁▁",
                    "-2 █████████N  ████  █████▁▁▼ ██",
                    "   0                          12",
                ])
        case .ascii:
            expectGolden(
                surface,
                [
                    " 3      ..''   ..  ▲            ",
                    "      ..         ..             ",
                    "   ...               ...        ",
                    "   ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄..┄┄┄┄..",
                    "-2          N             ..▼   ",
                    "   0                          12",
                ])
        }
    }

    @Test func severalSeries() {
        let rise = (0..<40).map { Float($0) }
        let surface = drawn(40, 7) {
            LinePlot(
                [.init("train", rise.reversed().map { $0 + 1 }, index: 0), .init("val", rise.map { $0 * 0.5 + 1 }, index: 1)],
                isLogarithmic: true, reference: 3, referenceName: "tolerance"
            ).draw(into: &$0, in: $1)
        }
        expectGolden(
            surface,
            [
                "40 ⠉⠉⠉⠒⠒⠒⠒⠢⠤⠤⠤⠤⢄⣀⣀⣀              ● train",
                "                   ⠉⠉⠉⠒⠒⣒⣤⣄⣠⡤⠤⠤⠤⠔■ val  ",
                "            ⢀⣀⡠⠤⠤⠔⠒⠒⠉⠉⠉⠉    ⠈⠉⠑⠒⠢⣀      ",
                "    tolerance                     ⠉⠒⠤⡀  ",
                "   ┄⣀⠔⠉┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄⠈⢆┄",
                " 1 ⡜                                   ●",
                "   0                                  39",
            ],
            styles: [
                "2 ruler, 1 text, 16 series.0, 14 text, 7 series.0",
                "19 text, 5 series.0, 16 series.1",
                "12 text, 12 series.1, 4 text, 6 series.0, 6 text",
                "4 text, 9 warn, 21 text, 4 series.0, 2 text",
                "3 text, 1 warn, 3 series.1, 30 warn, 2 series.0, 1 warn",
                "2 ruler, 1 text, 1 series.1, 35 text, 1 series.0",
                "3 text, 1 ruler, 34 text, 2 ruler",
            ])
    }

    @Test func circle() {
        let plot = CirclePlot(before: .init(1, 0), after: .init(-0.796, 0.606))
        expectGolden(
            drawn(44, 9) { plot.draw(into: &$0, in: $1) },
            [
                "                  ⡀⠄⠂⠂⠂⠂⠂⠄⡀                 ",
                "               ⢀●⠁         ⠡                ",
                "              ⠠⠁ ⠉⠢⡀⢀⣀⣀     ⠑⡀              ",
                "              ⠨    ⠈⠚⢄ ⠑⠄    ⠂              ",
                "              ⢐       ⠉ ⠉ ⠉ ⠉○              ",
                "              ⠐⡀            ⡠⠁              ",
                "               ⠈⠠⡀         ⡐                ",
                "                  ⠁⠂⠄⠄⠄⠄⠄⠂⠁                 ",
                " ○ before (1, 0)   ● after (-0.796, 0.606)  ",
            ])
    }

    @Test func prose() {
        let text = "# Softmax\nTurns `scores` into *weights* of 日本語 text, all positive.\n- sum to one\n\n    p = exp(x)/Σ\n```\n  code\n```"
        let prose = Prose(markdown: text, width: 22)
        expectGolden(
            drawn(22, 10) { prose.draw(into: &$0, in: $1) },
            [
                "Softmax               ",
                "Turns scores into     ",
                "weights of 日本語     ",
                "text, all positive.   ",
                "• sum to one          ",
                "                      ",
                "    p = exp(x)/Σ      ",
                "  code                ",
                "                      ",
                "                      ",
            ],
            styles: [
                "7 heading, 15 text",
                "6 text, 6 code, 10 text",
                "7 emphasis, 15 text",
                "22 text",
                "2 accent, 20 text",
                "22 text",
                "16 formula, 6 text",
                "6 formula, 16 text",
                "22 text",
                "22 text",
            ])
        #expect(Prose.wrap("abcdefghij kl", width: 4).map(\.text) == ["abcd", "efgh", "ij", "kl"])
        #expect(Prose.wrap("a  b\n\nc", width: 10).map(\.text) == ["a  b", "", "c"])
    }

    @Test func overlay() {
        let surface = drawn(34, 6) { surface, rect in
            surface.fill(rect, Cell("~"))
            let inside = Overlay("Help", label: "? closes", size: Size(20, 2)).draw(into: &surface, in: rect)
            surface.put(inside.x, inside.y, "hjkl", .key)
        }
        expectGolden(
            surface,
            [
                "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
                "~~~~~┌─ Help ──────? closes─┐~~~~~",
                "~~~~~│ hjkl                 │~~~~~",
                "~~~~~│                      │~~~~~",
                "~~~~~└──────────────────────┘~~~~~",
                "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~",
            ],
            styles: [
                "34 text",
                "5 text, 24 overlay.border, 5 text",
                "5 text, 1 overlay.border, 1 overlay, 4 key, 17 overlay, 1 overlay.border, 5 text",
                "5 text, 1 overlay.border, 22 overlay, 1 overlay.border, 5 text",
                "5 text, 24 overlay.border, 5 text",
                "34 text",
            ])
    }

    @Test func promptLine() {
        let line = PromptLine(":", "scale sym", completions: ["symlog", "symlog 1e-3"], selectedCompletion: 0)
        let surface = drawn(34, 1) { line.draw(into: &$0, in: $1) }
        expectGolden(
            surface,
            [
                ":scale sym   symlog  symlog 1e-3  "
            ],
            styles: [
                "10 prompt, 1 caret, 2 text, 6 select, 2 text, 11 hint, 2 text"
            ])
        #expect(surface.caret == Point(10, 0))
        let long = PromptLine("/", String(repeating: "abcdefghij", count: 9), cursor: 85)
        let shifted = drawn(20, 1) { long.draw(into: &$0, in: $1) }
        #expect(shifted.caret.map { $0.x < 20 && shifted[$0.x, 0].glyph == "f" } == true)
    }

    @Test func selectionStaysInSight() {
        #expect(Scrolling.visible(5, in: 10, selection: 4) == 0..<5)
        #expect(Scrolling.visible(100, in: 10, selection: 0) == 0..<10)
        #expect(Scrolling.visible(100, in: 10, selection: 99) == 90..<100)
        #expect(Scrolling.visible(100, in: 10, selection: 50).contains(50))
        #expect(Scrolling.visible(0, in: 10, selection: nil).isEmpty && Scrolling.visible(3, in: 0, selection: 1).isEmpty)
    }

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
