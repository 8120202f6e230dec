/// Glyphs that are drawn as shapes: lines, blocks, braille. Coordinates are units of a cell of 9 × 18.
enum CellShape {
    case rectangles([Rect])
    case dots([Point])

    init?(_ glyph: Unicode.Scalar) {
        switch glyph.value {
        case 0x2500...0x257F:
            guard let parts = CellShape.lines(glyph) else { return nil }
            self = .rectangles(parts)
        case 0x2580...0x2590: self = .rectangles([CellShape.block(glyph.value)])
        case 0x2596...0x259F: self = .rectangles(CellShape.quadrants(glyph.value))
        case 0x2801...0x28FF: self = .dots(CellShape.dots(glyph.value - 0x2800))
        case 0x2800: self = .dots([])
        default: return nil
        }
    }

    /// Whether a glyph joins its equal neighbour on the right into one rectangle.
    static func isFullWidth(_ glyph: Unicode.Scalar) -> Bool {
        (0x2580...0x2588).contains(glyph.value) || glyph == "─"
    }

    /// The arms of a line character: left, right, up, down.
    private static let arms: [Unicode.Scalar: String] = [
        "─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "udr", "┤": "udl", "┬": "lrd", "┴": "lru", "┼": "lrud",
        "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu", "╴": "l", "╵": "u", "╶": "r", "╷": "d",
    ]

    private static func lines(_ glyph: Unicode.Scalar) -> [Rect]? {
        arms[glyph]?.map { arm in
            switch arm {
            case "l": Rect(0, 9, 5, 1)
            case "r": Rect(4, 9, 5, 1)
            case "u": Rect(4, 0, 1, 10)
            default: Rect(4, 9, 1, 9)
            }
        }.reduce(into: [Rect]()) { parts, part in
            guard let last = parts.last, last == Rect(0, 9, 5, 1), part == Rect(4, 9, 5, 1) else { return parts.append(part) }
            parts[parts.count - 1] = Rect(0, 9, 9, 1)
        }
    }

    private static func block(_ value: UInt32) -> Rect {
        switch value {
        case 0x2580: return Rect(0, 0, 9, 9)
        case 0x2581...0x2588:
            let height = (Int(value - 0x2580) * 18 + 4) / 8
            return Rect(0, 18 - height, 9, height)
        case 0x2589...0x258F: return Rect(0, 0, (Int(0x2590 - value) * 9 + 4) / 8, 18)
        default: return Rect(4, 0, 5, 18)
        }
    }

    private static func quadrants(_ value: UInt32) -> [Rect] {
        let table = [[2], [3], [0], [0, 2, 3], [0, 3], [0, 1, 2], [0, 1, 3], [1], [1, 2], [1, 2, 3]]
        return table[Int(value - 0x2596)].map { Rect($0 % 2 * 4, $0 / 2 * 9, $0 % 2 == 0 ? 4 : 5, 9) }
    }

    /// The eight dots of a braille cell, in the order of its bits.
    private static func dots(_ bits: UInt32) -> [Point] {
        let places = [(2, 2), (2, 7), (2, 11), (7, 2), (7, 7), (7, 11), (2, 16), (7, 16)]
        return (0..<8).filter { bits >> UInt32($0) & 1 == 1 }.map { Point(places[$0].0, places[$0].1) }
    }
}
