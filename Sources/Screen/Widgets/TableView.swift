/// Rows of aligned columns, of which one may be selected.
package struct TableView {
    package struct Column: Hashable, Sendable {
        package var title: String
        package var width: Part
        package var align: Alignment

        package init(_ title: String, width: Part, align: Alignment = .left) {
            (self.title, self.width, self.align) = (title, width, align)
        }
    }

    package var columns: [Column]
    package var count: Int
    package var selection: Int?
    package var isFocused: Bool
    /// The cells of a row; asked for rows in sight only.
    package var row: (Int) -> [Span]

    package init(
        _ columns: [Column], count: Int, selection: Int? = nil, isFocused: Bool = true, row: @escaping (Int) -> [Span]
    ) {
        (self.columns, self.count, self.selection, self.isFocused, self.row) = (columns, count, selection, isFocused, row)
    }

    /// A table whose rows are all there.
    package init(_ columns: [Column], rows: [[Span]], selection: Int? = nil, isFocused: Bool = true) {
        self.init(columns, count: rows.count, selection: selection, isFocused: isFocused) { rows[$0] }
    }

    package func draw(into surface: inout Surface, in rect: Rect) {
        let hasTitles = columns.contains { !$0.title.isEmpty } && rect.height > 1
        let body = Rect(rect.x, rect.y + (hasTitles ? 1 : 0), rect.width, rect.height - (hasTitles ? 1 : 0))
        let parts = Scrolling.lines(body, count).columns(columns.map(\.width), gap: 1)
        surface.clipped(to: rect) { surface in
            if hasTitles {
                for (column, part) in zip(columns, parts) {
                    surface.put(part.x, rect.y, column.title, width: part.width, align: column.align, style: .role(.dim))
                }
            }
            for (line, index) in Scrolling.visible(count, in: body.height, selection: selection).enumerated() {
                drawRow(&surface, parts, body.y + line, row(index))
                if index == selection { Scrolling.mark(&surface, Rect(rect.x, body.y + line, rect.width, 1), isFocused: isFocused) }
            }
            Scrolling.drawMore(&surface, body, count, selection)
        }
    }

    /// The row of the table under a cell of the surface, for a mouse click.
    package func index(at point: Point, in rect: Rect) -> Int? {
        let titles = columns.contains { !$0.title.isEmpty } && rect.height > 1 ? 1 : 0
        let visible = Scrolling.visible(count, in: rect.height - titles, selection: selection)
        let index = visible.lowerBound + point.y - rect.y - titles
        return rect.contains(point) && visible.contains(index) ? index : nil
    }

    private func drawRow(_ surface: inout Surface, _ parts: [Rect], _ y: Int, _ spans: [Span]) {
        for (index, span) in spans.prefix(parts.count).enumerated() {
            surface.put(
                parts[index].x, y, span.text, width: parts[index].width, align: columns[index].align, style: span.style,
                attributes: span.attributes)
        }
    }
}

extension Scrolling {
    /// Where rows go: a column at the right is left for arrows if not all rows fit.
    static func lines(_ rect: Rect, _ count: Int) -> Rect {
        count > rect.height && rect.width > 8 ? Rect(rect.x, rect.y, rect.width - 1, rect.height) : rect
    }

    /// Arrows in the column left for them where rows are out of sight.
    static func drawMore(_ surface: inout Surface, _ rect: Rect, _ count: Int, _ selection: Int?) {
        let visible = visible(count, in: rect.height, selection: selection)
        guard !visible.isEmpty, rect.width > 8 else { return }
        if visible.lowerBound > 0 { surface.put(rect.right - 1, rect.y, "▴", .dim) }
        if visible.upperBound < count { surface.put(rect.right - 1, rect.bottom - 1, "▾", .dim) }
    }
}
