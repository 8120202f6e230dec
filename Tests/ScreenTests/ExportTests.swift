import Foundation
import Screen
import Testing

#if canImport(FoundationXML)
    import FoundationXML
#endif

@Suite struct ExportTests {
    /// A surface with all that is hard to export.
    static let surface = drawn(40, 8) { surface, rect in
        let inside = surface.box(rect, title: "<b> & \"x\" ]]>", label: "\u{1B}[31m日", focused: true)
        surface.put(inside.x, inside.y, "a<b>&c \u{202E} 日本🙂 e\u{301}\u{0}", .err, attributes: [.underline, .italic])
        let grid = PooledGrid(rows: 4, columns: 10, values: (0..<40).map { $0 == 7 ? .nan : Float($0) })
        HeatMap(grid, scale: HeatScale(lo: 0, hi: 40), map: .attention, showsNumbers: false).draw(
            into: &surface, in: Rect(inside.x, inside.y + 1, 38, 4))
        LinePlot([.init("x", [0, 1, 4, 9])]).draw(into: &surface, in: Rect(20, 2, 18, 4))
    }

    @Test(arguments: catalogue.names, ColorDepth.allCases)
    func svgIsWellFormed(_ name: String, _ depth: ColorDepth) throws {
        let svg = SurfaceExport.svg(Self.surface, theme: try catalogue.theme(name), depth: depth)
        let parser = XMLParser(data: Data(svg.utf8))
        #expect(parser.parse(), "\(parser.parserError.map { "\($0)" } ?? "")")
        #expect(isHarmless(svg.replacing("\n", with: "")))
        #expect(svg.contains("width=\"360\" height=\"144\""))
    }

    /// Half blocks, lines and eighths are rectangles on whole units: what is text can leave seams.
    @Test func blocksAndLinesAreShapes() throws {
        let svg = SurfaceExport.svg(Self.surface, theme: ThemeCatalogue.fallback)
        for glyph in ["▀", "▄", "█", "│", "─", "┌", "┘", "⠁", "⣀"] { #expect(!svg.contains(glyph), "\(glyph)") }
        #expect(svg.contains("<circle"))
        #expect(svg.contains("a&lt;b&gt;&amp;c"))
    }

    @Test(arguments: catalogue.names, ColorDepth.allCases)
    func ansiHoldsOnlyOurOwnSequences(_ name: String, _ depth: ColorDepth) throws {
        let theme = try catalogue.theme(name)
        for glyphs in GlyphSet.allCases {
            let text = SurfaceExport.ansi(Self.surface, theme: theme, depth: depth, glyphs: glyphs)
            let rest = text.replacing(/\u{1B}\[[0-9;]*m/, with: "").replacing("\n", with: "")
            #expect(isHarmless(rest))
            if glyphs == .ascii { #expect(rest.utf8.allSatisfy { $0 < 0x80 }, "\(rest)") }
            let widths = text.replacing(/\u{1B}\[[0-9;]*m/, with: "").split(separator: "\n").map { VisibleText.width(String($0)) }
            #expect(widths.allSatisfy { $0 == 40 }, "\(widths)")
        }
    }

    @Test func noColourMeansNoColourCodes() throws {
        let text = SurfaceExport.ansi(Self.surface, theme: ThemeCatalogue.fallback, depth: .mono)
        #expect(text.matches(of: /\u{1B}\[[0-9;]*(3[0-9]|4[0-9])[0-9;]*m/).isEmpty)
        #expect(text.contains("\u{1B}[0;1;7m"))
    }

    @Test func plainTextShowsHeatAsRamps() {
        let surface = drawn(8, 1) { surface, _ in
            for x in 0..<8 { surface.set(x, 0, .heat(.sequential, top: UInt8(x * 9), bottom: 0)) }
        }
        #expect(SurfaceExport.text(surface) == " .:=+#%@\n")
    }
}
