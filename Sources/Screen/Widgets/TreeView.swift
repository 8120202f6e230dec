/// A list whose rows may hold others: fold marks, indents, one selected row.
package struct TreeView {
    package enum Fold: Hashable, Sendable {
        case leaf, open, closed
    }

    /// One row in sight: its depth, whether it can be opened, what it says on the left and on the right.
    package struct Row: Hashable, Sendable {
        package var depth: Int
        package var fold: Fold
        package var line: Line
        /// Details at the right end; they give way first.
        package var detail: Line
        /// A sign before the row: a breakpoint, the cursor of the program.
        package var sign: Span?

        package init(_ line: Line, depth: Int = 0, fold: Fold = .leaf, detail: Line = [], sign: Span? = nil) {
            (self.depth, self.fold, self.line, self.detail, self.sign) = (depth, fold, line, detail, sign)
        }
    }

    package var count: Int
    package var selection: Int?
    package var isFocused: Bool
    /// The row of an index; asked for rows in sight only.
    package var row: (Int) -> Row
    /// Whether a column on the left is kept for signs.
    package var hasSigns: Bool

    package init(count: Int, selection: Int? = nil, isFocused: Bool = true, hasSigns: Bool = false, row: @escaping (Int) -> Row) {
        (self.count, self.selection, self.isFocused, self.hasSigns, self.row) = (count, selection, isFocused, hasSigns, row)
    }

    package init(_ rows: [Row], selection: Int? = nil, isFocused: Bool = true, hasSigns: Bool = false) {
        self.init(count: rows.count, selection: selection, isFocused: isFocused, hasSigns: hasSigns) { rows[$0] }
    }

    package func draw(into surface: inout Surface, in rect: Rect) {
        surface.clipped(to: rect) { surface in
            let lines = Scrolling.lines(rect, count)
            for (line, index) in Scrolling.visible(count, in: rect.height, selection: selection).enumerated() {
                draw(row(index), &surface, Rect(rect.x, rect.y + line, lines.width, 1))
                if index == selection { Scrolling.mark(&surface, Rect(rect.x, rect.y + line, rect.width, 1), isFocused: isFocused) }
            }
            Scrolling.drawMore(&surface, rect, count, selection)
        }
    }

    /// The row under a cell of the surface, for a mouse click.
    package func index(at point: Point, in rect: Rect) -> Int? {
        let visible = Scrolling.visible(count, in: rect.height, selection: selection)
        let index = visible.lowerBound + point.y - rect.y
        return rect.contains(point) && visible.contains(index) ? index : nil
    }

    private func draw(_ row: Row, _ surface: inout Surface, _ place: Rect) {
        var x = place.x
        if hasSigns {
            if let sign = row.sign { surface.put(x, place.y, Line([sign]), width: 1) }
            x += 2
        }
        x += min(max(row.depth, 0), max(place.width / 2, 0))
        let mark = row.fold == .open ? "▾" : row.fold == .closed ? "▸" : " "
        surface.put(x, place.y, mark, row.fold == .leaf ? .text : .dim)
        let start = x + 2
        let used = surface.put(start, place.y, row.line, width: max(0, place.right - start))
        let free = place.right - start - used - 1
        guard row.detail.width > 0, free >= min(row.detail.width, 4) else { return }
        let width = min(row.detail.width, free)
        surface.put(place.right - width, place.y, row.detail, width: width)
    }
}
