/// Draws a surface as SVG. Lines, blocks and braille become shapes on whole units, so that no font leaves seams between cells; words are
/// text of the width that the grid gives them.
struct SVGWriter {
    /// Units of a cell.
    static let cell = Size(9, 18)

    let theme: Theme
    let depth: ColorDepth

    /// A cell with the colours it is painted in.
    struct Painted {
        var cell: ResolvedCell
        var ink: RGB
        var ground: RGB
    }

    func picture(of surface: Surface) -> String {
        let (width, height) = (surface.width * SVGWriter.cell.width, surface.height * SVGWriter.cell.height)
        let page = paint(Cell.blank).ground
        var lines = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(width)\" height=\"\(height)\" viewBox=\"0 0 \(width) \(height)\" "
                + "font-family=\"DejaVu Sans Mono,Menlo,Consolas,Liberation Mono,monospace\" font-size=\"15\" shape-rendering=\"crispEdges\">",
            "<rect width=\"\(width)\" height=\"\(height)\" fill=\"\(page.hex)\"/>",
        ]
        for y in 0..<surface.height {
            let row = (0..<surface.width).map { paint(surface[$0, y]) }
            lines += grounds(row, y, page) + shapes(row, y) + words(row, y) + underlines(row, y)
        }
        return lines.joined(separator: "\n") + "\n</svg>\n"
    }

    private func paint(_ cell: Cell) -> Painted {
        let shown = theme.resolve(cell, depth: depth)
        let standard = standardColors
        let ink = rgb(shown.style.foreground) ?? standard.ink
        let ground = rgb(shown.style.background) ?? standard.ground
        let (front, back) = shown.style.attributes.contains(.reverse) ? (ground, ink) : (ink, ground)
        let isDim = shown.style.attributes.contains(.dim)
        return Painted(cell: shown, ink: isDim ? front.mixed(with: back, 0.4) : front, ground: back)
    }

    /// What a terminal's own colours look like in a picture.
    private var standardColors: (ink: RGB, ground: RGB) {
        theme.variant == .light ? (RGB(0x24292F), RGB(0xFFFFFF)) : (RGB(0xD0D7DE), RGB(0x0B0E12))
    }

    private func rgb(_ color: Color) -> RGB? {
        switch color {
        case .standard: nil
        case .index(let index): TerminalPalette.rgb(index)
        case .rgb(let rgb): rgb
        }
    }

    /// The grounds of a row, equal neighbours in one rectangle.
    private func grounds(_ row: [Painted], _ y: Int, _ page: RGB) -> [String] {
        runs(row) { $0.ground == $1.ground }.compactMap { run in
            let ground = row[run.lowerBound].ground
            return ground == page ? nil : rect(run.lowerBound, y, 0, 0, run.count * SVGWriter.cell.width, SVGWriter.cell.height, ground)
        }
    }

    private func shapes(_ row: [Painted], _ y: Int) -> [String] {
        runs(row) { $0.cell.glyph == $1.cell.glyph && $0.ink == $1.ink && CellShape.isFullWidth($0.cell.glyph) }.flatMap { run in
            let painted = row[run.lowerBound]
            guard let shape = CellShape(painted.cell.glyph) else { return [String]() }
            return draw(shape, run, y, painted.ink)
        }
    }

    private func draw(_ shape: CellShape, _ run: Range<Int>, _ y: Int, _ ink: RGB) -> [String] {
        switch shape {
        case .rectangles(let parts):
            let extra = (run.count - 1) * SVGWriter.cell.width
            return parts.map { rect(run.lowerBound, y, $0.x, $0.y, $0.width + extra, $0.height, ink) }
        case .dots(let dots):
            let (x, top) = (run.lowerBound * SVGWriter.cell.width, y * SVGWriter.cell.height)
            return dots.map { "<circle cx=\"\(x + $0.x)\" cy=\"\(top + $0.y)\" r=\"1.4\" fill=\"\(ink.hex)\" shape-rendering=\"auto\"/>" }
        }
    }

    /// Words of equal style; a character that is not ASCII stands alone, so that a fallback font moves nothing.
    private func words(_ row: [Painted], _ y: Int) -> [String] {
        let isWord = { (p: Painted) in p.cell.glyph.isASCII && p.cell.glyph != " " }
        return runs(row) { isWord($0) && isWord($1) && $0.ink == $1.ink && $0.cell.style.attributes == $1.cell.style.attributes }
            .compactMap { run in
                let first = row[run.lowerBound]
                guard first.cell.width > 0, first.cell.glyph != " ", CellShape(first.cell.glyph) == nil else { return nil }
                return text(run, y, row[run].reduce(into: "") { $0 += $1.cell.string }, first)
            }
    }

    private func text(_ run: Range<Int>, _ y: Int, _ text: String, _ painted: Painted) -> String {
        let columns = run.count == 1 ? Int(painted.cell.width) : run.count
        let attributes = painted.cell.style.attributes
        let font =
            (attributes.contains(.bold) ? " font-weight=\"bold\"" : "") + (attributes.contains(.italic) ? " font-style=\"italic\"" : "")
        return "<text x=\"\(run.lowerBound * SVGWriter.cell.width)\" y=\"\(y * SVGWriter.cell.height + 14)\" "
            + "textLength=\"\(columns * SVGWriter.cell.width)\" lengthAdjust=\"spacingAndGlyphs\" fill=\"\(painted.ink.hex)\"\(font)>"
            + "\(escaped(text))</text>"
    }

    private func underlines(_ row: [Painted], _ y: Int) -> [String] {
        runs(row) { $0.cell.style.attributes.contains(.underline) == $1.cell.style.attributes.contains(.underline) && $0.ink == $1.ink }
            .filter { row[$0.lowerBound].cell.style.attributes.contains(.underline) }
            .map { rect($0.lowerBound, y, 0, 16, $0.count * SVGWriter.cell.width, 1, row[$0.lowerBound].ink) }
    }

    private func rect(_ column: Int, _ row: Int, _ x: Int, _ y: Int, _ width: Int, _ height: Int, _ color: RGB) -> String {
        "<rect x=\"\(column * SVGWriter.cell.width + x)\" y=\"\(row * SVGWriter.cell.height + y)\" width=\"\(width)\" "
            + "height=\"\(height)\" fill=\"\(color.hex)\"/>"
    }

    /// Ranges of neighbours that belong together.
    private func runs(_ row: [Painted], _ belong: (Painted, Painted) -> Bool) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for index in row.indices {
            if let last = result.last, belong(row[last.lowerBound], row[index]) {
                result[result.count - 1] = last.lowerBound..<index + 1
            } else {
                result.append(index..<index + 1)
            }
        }
        return result
    }

    private func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.append(character)
            }
        }
    }
}

extension ResolvedCell {
    fileprivate var string: String {
        var view = String.UnicodeScalarView([glyph])
        view.append(contentsOf: marks)
        return String(view)
    }
}
