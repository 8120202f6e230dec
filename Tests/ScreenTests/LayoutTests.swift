import Screen
import Testing

@Suite struct LayoutTests {
    @Test func columnsFillTheRectangle() {
        #expect(Rect(0, 0, 80, 10).columns([.fixed(26), .rest]).map(\.width) == [26, 54])
        #expect(Rect(0, 0, 80, 10).columns([.share(2), .share(1)]).map(\.width) == [53, 27])
        #expect(Rect(5, 0, 20, 1).columns([.rest, .fixed(4)], gap: 1).map(\.x) == [5, 21])
        #expect(Rect(0, 0, 10, 1).columns([.fixed(8), .fixed(8), .rest]).map(\.width) == [8, 2, 0])
        #expect(Rect(0, 0, 10, 1).columns([.share(1, least: 7), .share(1)]).map(\.width) == [7, 3])
        #expect(Rect(0, 0, 9, 5).tiles(columns: 2, rows: 2).map(\.size) == [Size(5, 3), Size(4, 3), Size(5, 2), Size(4, 2)])
    }

    @Test func extremeRectanglesDoNotTrap() {
        let rect = Rect(.min, .max, .max, .min)
        #expect(rect.isEmpty)
        #expect(Rect(.max, .max, .max, .max).intersection(Rect(0, 0, 5, 5)).isEmpty)
        #expect(Rect(.min, .min, .max, .max).inset(3, 3).right < .max)
    }

    @Test(arguments: [
        (Size(160, 48), Breakpoint.rich), (Size(139, 48), .standard), (Size(80, 24), .standard), (Size(80, 23), .single),
        (Size(60, 16), .single),
        (Size(59, 16), .none), (Size(1, 1), .none), (Size(0, 0), .none),
    ])
    func breakpoints(_ size: Size, _ breakpoint: Breakpoint) {
        #expect(Breakpoint(size) == breakpoint)
    }

    @Test func tooSmallScreensSaySo() {
        let surface = drawn(52, 14) { surface, _ in Breakpoint.drawTooSmall(into: &surface) }
        #expect(surface.rows[7].contains("need 60×16, have 52×14 — resize or q"))
        for width in 0...10 {
            for height in 0...3 { _ = drawn(width, height) { surface, _ in Breakpoint.drawTooSmall(into: &surface) } }
        }
    }
}

@Suite struct NumberTests {
    @Test(arguments: [
        (0.0441, "0.0441"), (-0.00012, "-0.000120"), (22.58, "22.6"), (12345.6, "12346"), (1.5e-7, "1.50e-07"), (2e9, "2.00e+09"), (0, "0"),
        (.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (1, "1.00"),
    ])
    func compact(_ value: Double, _ text: String) {
        #expect(Numbers.compact(value) == text)
    }

    @Test(arguments: [
        (0.405, 7, "0.405"), (0.405, 4, ".405"), (0.405, 3, ".41"), (-0.25, 4, "-.25"), (1, 4, "1.00"), (12345, 6, "12345"),
        (1e-9, 8, "1.0e-09"),
        (0.0004, 4, ".000"), (-7, 2, "-7"), (0, 1, "0"), (.nan, 3, "NaN"), (.nan, 1, "N"), (1e20, 5, "1e+20"),
    ])
    func fitting(_ value: Double, _ columns: Int, _ text: String) {
        #expect(Numbers.fitting(value, columns: columns) == text)
    }

    @Test func nothingWiderThanItsCell() {
        var dice = Dice(7)
        for _ in 0..<2000 {
            let value = Double(bitPattern: dice.next())
            for columns in 0..<10 { #expect((Numbers.fitting(value, columns: columns)?.utf8.count ?? 0) <= columns) }
        }
    }

    @Test func countsAndExactValues() {
        #expect(
            Numbers.count(262_144) == "262,144" && Numbers.count(-1000) == "-1,000" && Numbers.count(0) == "0" && Numbers.count(.min) != "")
        #expect(Numbers.short(28_600_000) == "28.6M" && Numbers.short(950) == "950" && Numbers.short(1_240_000_000) == "1.24B")
        #expect(Numbers.exact(Float(0.1)) == "0.100000001" && Numbers.exact(-.infinity as Float) == "-Inf")
        #expect(Numbers.bytes(14_900_000_000) == "13.9 GiB" && Numbers.bytes(10) == "10 B")
        #expect(
            Numbers.label(-0.31) == "-0.31" && Numbers.label(1) == "1" && Numbers.label(1.5e-7) == "1.5e-07" && Numbers.label(100) == "100")
    }
}
