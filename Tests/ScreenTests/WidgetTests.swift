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
}
