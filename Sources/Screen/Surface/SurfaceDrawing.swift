/// Where text stands in the columns it is given.
package enum Alignment: Hashable, Sendable {
    case left, right, center
}

extension Surface {
    /// Puts text at a column and row and says how many columns it takes. What lies outside is left out.
    @discardableResult
    package mutating func put(_ x: Int, _ y: Int, _ text: String, _ role: Role = .text, attributes: Attributes = []) -> Int {
        put(x, y, text, style: .role(role), attributes: attributes)
    }

    @discardableResult
    package mutating func put(_ x: Int, _ y: Int, _ text: String, style: Style, attributes: Attributes = []) -> Int {
        put(x, y, VisibleText.clusters(text), style: style, attributes: attributes)
    }

    /// Puts text that is harmless already.
    @discardableResult
    package mutating func put(
        _ x: Int, _ y: Int, _ clusters: [VisibleText.Cluster], style: Style, attributes: Attributes = []
    ) -> Int {
        let start = Rect(x, y, 0, 0).x
        var column = start
        for cluster in clusters {
            let cell = Cell(cluster.base, style, attributes: attributes, marks: cluster.marks, width: UInt8(cluster.width))
            set(column, y, cell)
            column += cluster.width
        }
        return column - start
    }

    /// Puts text into exactly `width` columns: cut with `…`, or padded on the side that the alignment leaves free.
    package mutating func put(
        _ x: Int, _ y: Int, _ text: String, width columns: Int, align: Alignment = .left, style: Style = .text,
        attributes: Attributes = []
    ) {
        let place = Rect(x, y, columns, 1)
        guard !place.isEmpty else { return }
        let shown = VisibleText.clusters(VisibleText.cut(text, to: place.width))
        let free = place.width - shown.reduce(0) { $0 + $1.width }
        let before = align == .left ? 0 : align == .right ? free : free / 2
        fill(place, Cell(" ", style, attributes: attributes))
        put(place.x + before, y, shown, style: style, attributes: attributes)
    }

    /// Fills a rectangle with one cell.
    package mutating func fill(_ rect: Rect, _ cell: Cell) {
        let part = clip.intersection(rect)
        for y in part.y..<part.bottom {
            for x in part.x..<part.right { set(x, y, cell) }
        }
    }

    package mutating func fill(_ rect: Rect, _ role: Role) {
        fill(rect, Cell(" ", .role(role)))
    }

    package mutating func horizontal(_ x: Int, _ y: Int, _ length: Int, _ glyph: Unicode.Scalar = "─", _ role: Role = .border) {
        fill(Rect(x, y, length, 1), Cell(glyph, .role(role)))
    }

    package mutating func vertical(_ x: Int, _ y: Int, _ length: Int, _ glyph: Unicode.Scalar = "│", _ role: Role = .border) {
        fill(Rect(x, y, 1, length), Cell(glyph, .role(role)))
    }
}
