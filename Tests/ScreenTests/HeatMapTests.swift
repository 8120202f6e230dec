import Screen
import Testing

@Suite struct HeatMapTests {
    /// A ramp from −1 to 1 with a NaN, both infinities and a masked corner.
    private static func ramp(_ rows: Int, _ columns: Int) -> PooledGrid {
        let values = (0..<rows * columns).map { Float($0) / Float(rows * columns - 1) * 2 - 1 }
        var flags = [UInt8](repeating: PooledGrid.finite, count: values.count)
        flags[columns] |= PooledGrid.nan
        flags[columns * 3 + 1] |= PooledGrid.posInf
        flags[columns * 5 + 2] |= PooledGrid.negInf
        flags[values.count - 1] = PooledGrid.masked
        return PooledGrid(rows: rows, columns: columns, values: values, flags: flags, sourceHeight: rows * 10, sourceWidth: columns * 10)
    }

    private static let counts = HeatCounts(nan: 1, posInf: 1, negInf: 1, above: 7)

    @Test func halfBlocks() {
        let map = HeatMap(Self.ramp(12, 36), scale: .symmetric(1), map: .diverging, counts: Self.counts, cursor: Point(205, 75))
        let surface = drawn(40, 8) { map.draw(into: &$0, in: $1) }
        expectGolden(
            surface,
            [
                "    0               160 205         320 ",
                "  0 N@@@@@@@@@@@@@@@@@@@@@@@@@@%%%%%%%%%",
                "    *▲**************++++++++++++++++++++",
                "    --▼--------:::::::::::::::::::::....",
                " 75 ....::::::::::::::::┼::::-----------",
                "    ++++++++++++++++++++****************",
                "    %%%%%%%%%@@@@@@@@@@@@@@@@@@@@@@@@@@%",
                "-1 @@%*+=-:.0 .:-=+*%@ ▸7 +1 N 1 ▲ 1 ▼ 1",
            ],
            styles: [
                "4 text, 1 ruler, 15 text, 3 ruler, 1 text, 3 ruler.cursor, 9 text, 3 ruler, 1 text",
                "3 ruler, 1 text, 1 nan, 4 d0/5, 2 d0/6, 5 d1/6, 2 d1/7, 4 d2/7, 3 d2/8, 4 d3/8, 2 d3/9, 5 d4/9, 2 d4/10, 2 d5/10",
                "4 text, 1 d10/16, 1 posinf, 1 d10/16, 4 d11/16, 2 d11/17, 5 d12/17, 2 d12/18, 4 d13/18, 3 d13/19, 4 d14/19, 3 d14/20, 4 d15/20, 2 d15/21",
                "4 text, 2 d21/26, 1 neginf, 2 d21/27, 4 d22/27, 2 d22/28, 5 d23/28, 2 d23/29, 5 d24/29, 2 d24/30, 4 d25/30, 3 d25/31, 4 d26/31",
                "3 ruler.cursor, 1 text, 4 d32/37, 3 d32/38, 4 d33/38, 2 d33/39, 5 d34/39, 2 d34/40, 1 cursor, 4 d35/40, 2 d35/41, 4 d36/41, 3 d36/42, 2 d37/42",
                "4 text, 2 d42/48, 4 d43/48, 3 d43/49, 4 d44/49, 3 d44/50, 4 d45/50, 2 d45/51, 5 d46/51, 2 d46/52, 4 d47/52, 3 d47/53",
                "4 text, 2 d53/58, 2 d53/59, 5 d54/59, 2 d54/60, 4 d55/60, 3 d55/61, 4 d56/61, 2 d56/62, 5 d57/62, 2 d57/63, 4 d58/63, 1 d58/-",
                "3 ruler, 1 d0/0, 1 d3/3, 1 d6/6, 1 d10/10, 1 d13/13, 1 d16/16, 1 d20/20, 1 d23/23, 1 d26/26, 1 d32, 1 d33/33, 1 d37/37, 1 d40/40, 1 d43/43, 1 d47/47, 1 d50/50, 1 d53/53, 1 d57/57, 1 d60/60, 3 warn, 3 ruler, 1 text, 3 nan, 1 text, 3 posinf, 1 text, 3 neginf",
            ])
    }

    @Test func smallTensorsShowTheirNumbers() {
        let grid = PooledGrid(rows: 3, columns: 3, values: [1, .nan, 0.5, -.infinity, -0.25, 0, 1e-9, 12345, -7])
        let map = HeatMap(
            grid, scale: .symmetric(1), map: .diverging, cursor: Point(2, 1), rowLabels: ["the", "cat", "日本"],
            columnLabels: ["the", "cat", "<0x0A>abc"])
        expectGolden(
            drawn(32, 5) { map.draw(into: &$0, in: $1) },
            [
                "     the      cat      <0x0A>ab ",
                " the   1.000      N      0.500  ",
                " cat     ▼     -0.250  ▸ 0.000 ◂",
                "日本  1.0e-09   12345   -7.000  ",
                "-1 @%#+=-.0.-=+#% +1 N 0 ▲ 0 ▼ 0",
            ],
            styles: [
                "5 text, 3 ruler, 6 text, 3 ruler, 6 text, 8 ruler.cursor, 1 text",
                "4 ruler, 1 text, 9 d63, 9 nan, 9 d48",
                "4 ruler.cursor, 1 text, 9 neginf, 9 d24, 9 d32 +bold +underline",
                "4 ruler, 1 text, 9 d32, 9 d63, 9 d0",
                "3 ruler, 1 d0/0, 1 d4/4, 1 d9/9, 1 d13/13, 1 d18/18, 1 d22/22, 1 d27/27, 1 d32, 1 d36/36, 1 d41/41, 1 d45/45, 1 d50/50, 1 d54/54, 1 d59/59, 3 ruler, 1 text, 3 ruler, 1 text, 3 ruler, 1 text, 3 ruler",
            ])
    }

    @Test(arguments: ColorDepth.allCases, GlyphSet.allCases)
    func nanAndInfAreVisibleEverywhere(_ depth: ColorDepth, _ glyphs: GlyphSet) throws {
        let surface = drawn(36, 6) {
            HeatMap(Self.ramp(12, 36), scale: .symmetric(1), map: .diverging, showsRulers: false, showsBar: false).draw(into: &$0, in: $1)
        }
        for name in catalogue.names {
            let theme = try catalogue.theme(name)
            let signs = glyphs == .ascii ? ["N", "^", "v"] : ["N", "▲", "▼"]
            let shown = surface.cells.map { theme.resolve($0, depth: depth, glyphs: glyphs) }
            for sign in signs {
                let cells = shown.filter { String(Character($0.glyph)) == sign }
                #expect(cells.count == 1, "\(sign) in \(name)")
                let ordinary = theme.resolve(Style.heat(.diverging, top: 20, bottom: 20), depth: depth, glyphs: glyphs)
                #expect(cells.first?.style.attributes != ordinary.attributes, "\(sign) in \(name)")
            }
        }
    }

    @Test func nanWinsOverInfAndInfOverValues() {
        let flags: [UInt8] = [9, 10, 3, 4, 5, 6]
        let grid = PooledGrid(rows: 1, columns: 6, values: [1, 2, 3, 4, 5, 6], flags: flags, sourceHeight: 1, sourceWidth: 6)
        let map = HeatMap(grid, scale: HeatScale(lo: 0, hi: 1), map: .sequential, showsNumbers: false, showsRulers: false, showsBar: false)
        #expect(drawn(6, 1) { map.draw(into: &$0, in: $1) }.rows == ["N▲N▼N▲"])
    }

    @Test func aFlaggedHalfTakesTheWholeCell() {
        let grid = PooledGrid(rows: 2, columns: 2, values: [1, .nan, .nan, 1])
        let map = HeatMap(grid, scale: HeatScale(lo: 0, hi: 1), map: .sequential, showsNumbers: false, showsRulers: false, showsBar: false)
        #expect(drawn(2, 1) { map.draw(into: &$0, in: $1) }.rows == ["NN"])
    }

    @Test func maskedHalvesAreBackground() {
        let flags: [UInt8] = [8, 16, 16, 16, 8, 16]
        let grid = PooledGrid(rows: 2, columns: 3, values: [1, 0, 0, 0, 1, 0], flags: flags, sourceHeight: 2, sourceWidth: 3)
        let map = HeatMap(grid, scale: HeatScale(lo: 0, hi: 1), map: .attention, showsNumbers: false, showsRulers: false, showsBar: false)
        let surface = drawn(3, 1) { map.draw(into: &$0, in: $1) }
        #expect(surface.styleRuns == ["2 a63/-, 1 masked"])
        #expect(surface.cells.map(\.glyph) == ["▀", "▄", " "])
    }

    @Test(arguments: [HeatScale.Kind.linear, .log, .symlog])
    func scalesAreMonotoneAndSymmetric(_ kind: HeatScale.Kind) {
        let scale = HeatScale.symmetric(2, kind, floor: 1e-3)
        let levels = stride(from: -3.0, through: 3, by: 0.01).map { scale.level($0) }
        #expect(zip(levels, levels.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(levels.first == 0 && levels.last == 63)
        #expect(scale.level(-2) == 0 && scale.level(2) == 63 && (31...32).contains(scale.level(0)))
        #expect(scale.clip(2.1) == 1 && scale.clip(-2.1) == -1 && scale.clip(2) == 0)
    }

    @Test(arguments: [(Double.nan, 1.0), (1, 1), (2, 1), (-.infinity, .infinity), (0, .nan)])
    func nonsenseRangesDoNotTrap(_ lo: Double, _ hi: Double) {
        for kind in HeatScale.Kind.allCases {
            let scale = HeatScale(kind, lo: lo, hi: hi, floor: -1)
            for value in [0, 1, -1, 1e308, -1e308, 1e-300, .infinity, -.infinity, .nan] { #expect(scale.level(value) < 64) }
        }
    }

    @Test(arguments: 1...60)
    func theCountsAreNeverLeftOut(_ width: Int) {
        let surface = drawn(width, 1) {
            ColorBar(scale: .symmetric(0.31), map: .diverging, counts: Self.counts).draw(into: &$0, in: $1)
        }
        if width >= 12 { #expect(surface.rows[0].hasSuffix("N 1 ▲ 1 ▼ 1")) }
        if width >= 40 { #expect(surface.rows[0].hasPrefix("-0.31 ") && surface.rows[0].contains("▸7 +0.31")) }
    }

    @Test(arguments: [Size(512, 512), Size(1, 1), Size(3, 2000), Size(2000, 3), Size(50_257, 4096), Size(0, 0)])
    func plansStayInside(_ source: Size) {
        for width in 0..<70 {
            for height in 0..<30 {
                let rect = Rect(3, 2, width, height)
                let plan = HeatMap.plan(rect, source: source)
                #expect(rect.intersection(plan.plot) == plan.plot || plan.plot.isEmpty)
                #expect(plan.rows <= max(source.height, 1) && plan.columns <= max(source.width, 1))
            }
        }
    }

    /// The cursor's bin covers the cursor's index, whatever the sizes.
    @Test(arguments: [(512, 40), (7, 7), (1000, 999), (3, 3), (50_257, 96)])
    func aClickFindsTheBinThatTheCursorIsIn(_ length: Int, _ cells: Int) {
        let source = Size(length, 1)
        let plan = HeatMap.plan(Rect(0, 0, cells, 1), source: source, numbers: false, rulers: false, bar: false)
        for column in 0..<plan.columns {
            let place = plan.source(at: Point(column * plan.binWidth, 0), of: source)
            #expect(place?.column == column * length / plan.columns)
        }
        #expect(plan.source(at: Point(cells, 0), of: source) == nil)
    }
}
