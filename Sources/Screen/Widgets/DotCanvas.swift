/// Dots finer than cells: 2 × 4 in each, drawn with braille. Dots are square where cells are twice as high as wide.
package struct DotCanvas: Hashable, Sendable {
    /// In dots.
    package let width: Int
    package let height: Int
    private let columns: Int
    private var bits: [UInt8]

    package init(_ cells: Size) {
        columns = max(cells.width, 0)
        width = columns * 2
        height = max(cells.height, 0) * 4
        bits = Array(repeating: 0, count: columns * max(cells.height, 0))
    }

    /// Which cells have a dot, row after row.
    var occupied: [Bool] { bits.map { $0 != 0 } }

    private static let masks: [UInt8] = [0x01, 0x08, 0x02, 0x10, 0x04, 0x20, 0x40, 0x80]

    package mutating func dot(_ x: Int, _ y: Int) {
        guard x >= 0, y >= 0, x < width, y < height else { return }
        bits[y / 4 * columns + x / 2] |= DotCanvas.masks[y % 4 * 2 + x % 2]
    }

    /// A straight line (Bresenham). With `dash` only every other stretch of so many dots is drawn.
    package mutating func line(_ from: Point, _ to: Point, dash: Int = 0) {
        let limit = 1 << 16
        let (x1, y1) = (min(max(to.x, -limit), limit), min(max(to.y, -limit), limit))
        var (x, y) = (min(max(from.x, -limit), limit), min(max(from.y, -limit), limit))
        let (dx, dy) = (abs(x1 - x), -abs(y1 - y))
        let (sx, sy) = (x < x1 ? 1 : -1, y < y1 ? 1 : -1)
        var (error, count) = (dx + dy, 0)
        while true {
            if dash == 0 || count / dash % 2 == 0 { dot(x, y) }
            if x == x1, y == y1 { return }
            let twice = 2 * error
            if twice >= dy { (error, x) = (error + dy, x + sx) }
            if twice <= dx { (error, y) = (error + dx, y + sy) }
            count += 1
        }
    }

    /// Draws the dots with the top left at a point. Dots already there stay, in the new role.
    package func draw(into surface: inout Surface, at origin: Point, _ role: Role) {
        for (index, bits) in bits.enumerated() where bits != 0 {
            let (x, y) = (origin.x + index % max(columns, 1), origin.y + index / max(columns, 1))
            let old = surface[x, y].glyph.value
            let below = (0x2800...0x28FF).contains(old) ? old - 0x2800 : 0
            guard let glyph = Unicode.Scalar(0x2800 + (UInt32(bits) | below)) else { continue }
            surface.set(x, y, Cell(glyph, .role(role)))
        }
    }
}

/// What plots are drawn with: braille needs a font that has it.
package enum PlotGlyphs: String, CaseIterable, Sendable {
    case braille, block, ascii
}
