import Screen
import Testing

@Suite struct SurfaceTests {
    @Test func boxes() {
        let surface = drawn(24, 3) { surface, rect in
            let parts = rect.columns([.rest, .rest])
            surface.box(parts[0], title: "Model")
            surface.box(parts[1], title: "wq", label: "f32", focused: true)
        }
        expectGolden(
            surface,
            [
                "┌ Model ───┐┌▸wq ──f32─┐",
                "│          ││          │",
                "└──────────┘└──────────┘",
            ],
            styles: [
                "2 border, 5 title, 5 border, 2 border.focus, 2 title.focus, 3 border.focus, 3 label, 2 border.focus",
                "1 border, 10 text, 1 border, 1 border.focus, 10 text, 1 border.focus",
                "12 border, 12 border.focus",
            ])
    }

    @Test func untrustedTextCannotShiftARow() {
        let surface = drawn(20, 1) { surface, _ in surface.put(0, 0, "a\u{1B}[2Jb\u{200B}c") }
        expectGolden(surface, ["a<0x1B>[2Jb<U+200B>c"])
    }

    @Test func controlCharactersCannotBePutIntoACellDirectly() {
        for value in UInt32(0)...0x9F where Unicode.Scalar(value)?.isControl == true {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let surface = drawn(3, 1) { surface, _ in
                surface.set(0, 0, Cell(scalar))
                surface.set(1, 0, Cell(scalar, width: 2))
            }
            #expect(isHarmless(surface.text))
        }
    }

    @Test func wideCharactersOwnTwoColumns() {
        var surface = drawn(6, 1) { surface, _ in surface.put(0, 0, "日本x") }
        #expect(surface.rows == ["日本x "])
        #expect(surface.cells.map(\.width) == [2, 0, 2, 0, 1, 1])
        surface.put(1, 0, "a")
        #expect(surface.rows == [" a本x "])
        surface.put(2, 0, "b")
        #expect(surface.rows == [" ab x "])
    }

    @Test func aWideCharacterAtTheEdgeBecomesABlank() {
        let surface = drawn(6, 1) { surface, _ in
            surface.fill(surface.bounds, Cell("."))
            surface.clipped(to: Rect(1, 0, 3, 1)) { $0.put(0, 0, "日本語") }
        }
        #expect(surface.rows == [". 本.."])
        #expect(surface.cells.map(\.width) == [1, 1, 2, 0, 1, 1])
    }

    @Test func linesAreCutWithAnEllipsis() {
        let line: Line = [Span("alpha ", .key), Span("beta", .text), Span(" gamma", .dim)]
        #expect(drawn(12, 1) { $0.put($1.x, 0, line, width: 12) }.rows == ["alpha beta …"])
        #expect(drawn(12, 1) { $0.put($1.x, 0, line, width: 6) }.rows == ["alpha…      "])
        #expect(drawn(12, 1) { $0.put($1.x, 0, line, width: 0) }.rows == ["            "])
    }

    @Test func alignment() {
        let surface = drawn(8, 3) { surface, _ in
            surface.put(0, 0, "ab", width: 8)
            surface.put(0, 1, "ab", width: 8, align: .right)
            surface.put(0, 2, "ab", width: 8, align: .center)
        }
        #expect(surface.rows == ["ab      ", "      ab", "   ab   "])
    }

    /// Random drawing at random sizes: nothing may be written outside the clip, and wide characters must stay whole.
    @Test(arguments: 0..<200)
    func nothingIsDrawnOutside(_ seed: Int) {
        var dice = Dice(UInt64(seed))
        let size = Size(Int.random(in: 0...20, using: &dice), Int.random(in: 0...8, using: &dice))
        var surface = Surface(size)
        surface.fill(surface.bounds, Cell("~"))
        let clip = Rect(
            Int.random(in: -4...20, using: &dice), Int.random(in: -4...8, using: &dice), Int.random(in: -2...12, using: &dice),
            Int.random(in: -2...6, using: &dice))
        surface.clipped(to: clip) { surface in
            for _ in 0..<20 { drawSomething(&surface, &dice) }
        }
        #expect(surface.cells.count == size.width * size.height)
        for y in 0..<size.height {
            for x in 0..<size.width where !clip.contains(Point(x, y)) { #expect(surface[x, y].glyph == "~") }
            for x in 0..<size.width where surface[x, y].width == 2 { #expect(surface[x + 1, y].width == 0 && x + 1 < size.width) }
            for x in 0..<size.width where surface[x, y].width == 0 { #expect(x > 0 && surface[x - 1, y].width == 2) }
        }
    }

    private func drawSomething(_ surface: inout Surface, _ dice: inout Dice) {
        let extremes = [Int.min, Int.max, -1, 0, 1, 5]
        let (x, y) = (
            Bool.random(using: &dice) ? extremes.randomElement(using: &dice) ?? 0 : Int.random(in: -5...25, using: &dice),
            Bool.random(using: &dice) ? extremes.randomElement(using: &dice) ?? 0 : Int.random(in: -5...12, using: &dice)
        )
        let rect = Rect(x, y, extremes.randomElement(using: &dice) ?? 3, Int.random(in: -3...9, using: &dice))
        switch Int.random(in: 0..<6, using: &dice) {
        case 0: surface.put(x, y, "日a🙂b本")
        case 1: surface.box(rect, title: "title", label: "label", focused: true)
        case 2: surface.fill(rect, Cell("日", width: 2))
        case 3: surface.set(x, y, Cell("本", width: 2))
        case 4: surface.restyle(rect) { $0.width = 2 }
        default: surface.put(x, y, "text", width: 7, align: .center)
        }
    }
}
