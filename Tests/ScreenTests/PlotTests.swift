import Screen
import Testing

@Suite struct PlotTests {
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
                    " 0 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄⠈⠢⡀┄┄┄┄┄┄⢀",
                    "-2          N           ⠈⠒⢄ ▼   ",
                    "   0                          12",
                ],
                styles: [
                    "2 ruler, 6 text, 3 series.0, 8 text, 1 posinf, 12 text",
                    "5 text, 3 series.0, 6 text, 3 series.0, 15 text",
                    "3 text, 3 series.0, 11 text, 1 series.0, 4 text, 1 series.0, 9 text",
                    "2 ruler, 1 text, 19 border, 3 series.0, 6 border, 1 series.0",
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
                    " 0 █████████┄┄┄████┄┄███▁▁┄┄┄┄▁▁",
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
                    " 0 ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄..┄┄┄┄..",
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
}
