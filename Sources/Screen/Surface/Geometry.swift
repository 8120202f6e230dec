/// A size in character cells.
package struct Size: Hashable, Sendable {
    package var width: Int
    package var height: Int

    package init(_ width: Int, _ height: Int) {
        (self.width, self.height) = (width, height)
    }
}

/// A place in character cells: column and row, from the top left.
package struct Point: Hashable, Sendable {
    package var x: Int
    package var y: Int

    package init(_ x: Int, _ y: Int) {
        (self.x, self.y) = (x, y)
    }
}

/// A rectangle of character cells. Its numbers are kept small enough that no sum of two of them overflows.
package struct Rect: Hashable, Sendable {
    package let x: Int
    package let y: Int
    package let width: Int
    package let height: Int

    package init(_ x: Int, _ y: Int, _ width: Int, _ height: Int) {
        let limit = 1 << 30
        self.x = min(max(x, -limit), limit)
        self.y = min(max(y, -limit), limit)
        self.width = min(max(width, 0), limit)
        self.height = min(max(height, 0), limit)
    }

    package init(_ size: Size) {
        self.init(0, 0, size.width, size.height)
    }

    /// One past the last column.
    package var right: Int { x + width }
    /// One past the last row.
    package var bottom: Int { y + height }
    package var isEmpty: Bool { width == 0 || height == 0 }
    package var size: Size { Size(width, height) }

    package func contains(_ point: Point) -> Bool {
        point.x >= x && point.x < right && point.y >= y && point.y < bottom
    }

    package func intersection(_ other: Rect) -> Rect {
        let (left, top) = (max(x, other.x), max(y, other.y))
        return Rect(left, top, min(right, other.right) - left, min(bottom, other.bottom) - top)
    }

    /// The rectangle inside a frame of `dx` columns and `dy` rows.
    package func inset(_ dx: Int, _ dy: Int) -> Rect {
        Rect(x + dx, y + dy, width - 2 * dx, height - 2 * dy)
    }
}
