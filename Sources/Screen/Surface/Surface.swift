/// A screen, or what will be one: cells of glyph and style, and nothing else.
///
/// Everything drawn is clipped, to the surface and to the innermost `clipped(to:)`. Text goes through `VisibleText`, so no cell ever holds
/// a character that a terminal would obey.
package struct Surface: Hashable, Sendable {
    package let width: Int
    package let height: Int
    /// The cells, row after row.
    package private(set) var cells: [Cell]
    /// Where the terminal's own cursor stands, if it is shown.
    package var caret: Point?
    /// The part that can be drawn on now.
    package private(set) var clip: Rect

    package init(_ size: Size, style: Style = .text) {
        width = max(size.width, 0)
        height = max(size.height, 0)
        cells = Array(repeating: Cell(" ", style), count: width * height)
        clip = Rect(0, 0, width, height)
    }

    package init(width: Int, height: Int) {
        self.init(Size(width, height))
    }

    package var size: Size { Size(width, height) }
    package var bounds: Rect { Rect(0, 0, width, height) }

    /// The cell in a column and row; a blank outside.
    package subscript(x: Int, y: Int) -> Cell {
        guard x >= 0, y >= 0, x < width, y < height else { return .blank }
        return cells[y * width + x]
    }

    /// Draws with everything outside `rect` protected. Coordinates stay those of the whole surface.
    package mutating func clipped(to rect: Rect, _ draw: (inout Surface) -> Void) {
        let outer = clip
        clip = outer.intersection(rect)
        draw(&self)
        clip = outer
    }

    /// Puts one cell of any width. A wide cell that does not fit becomes a blank; a wide cell half covered loses its other half.
    package mutating func set(_ x: Int, _ y: Int, _ cell: Cell) {
        guard y >= clip.y, y < clip.bottom, x < clip.right else { return }
        if cell.width == 2 { return setWide(x, y, cell) }
        guard x >= clip.x else { return }
        store(x, y, cell)
    }

    private mutating func setWide(_ x: Int, _ y: Int, _ cell: Cell) {
        let blank = Cell(" ", cell.style, attributes: cell.attributes)
        guard x >= clip.x, x + 1 < clip.right else {
            if x >= clip.x { store(x, y, blank) }
            if x == clip.x - 1, clip.x < clip.right { store(clip.x, y, blank) }
            return
        }
        store(x, y, blank)
        store(x + 1, y, .continuation(cell.style, cell.attributes))
        cells[y * width + x] = cell
        if !ScalarRules.isDrawable(cell.glyph) { store(x, y, Cell("?", cell.style, attributes: cell.attributes)) }
    }

    /// Stores a cell and repairs a wide character that it cuts in two.
    private mutating func store(_ x: Int, _ y: Int, _ cell: Cell) {
        let index = y * width + x
        if cells[index].width == 0, x > 0 { cells[index - 1].separate() }
        if cells[index].width == 2, x + 1 < width { cells[index + 1].separate() }
        cells[index] = cell
        if !ScalarRules.isDrawable(cell.glyph) { cells[index].glyph = "?" }
    }

    /// Changes cells that are there already: a selection over a drawn row.
    package mutating func restyle(_ rect: Rect, _ change: (inout Cell) -> Void) {
        let part = clip.intersection(rect)
        for y in part.y..<part.bottom {
            for x in part.x..<part.right {
                let (glyph, width) = (cells[y * self.width + x].glyph, cells[y * self.width + x].width)
                change(&cells[y * self.width + x])
                cells[y * self.width + x].glyph = glyph
                cells[y * self.width + x].width = width
            }
        }
    }
}

extension Cell {
    /// Half of a wide character whose other half is gone: a blank.
    fileprivate mutating func separate() {
        (glyph, marks, width) = (" ", [], 1)
    }
}
