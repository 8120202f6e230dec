extension Surface {
    /// The rows as text, for golden tests and text files. Heat cells are shown by the ramp of their larger half.
    package var rows: [String] {
        (0..<height).map { row in
            var view = String.UnicodeScalarView()
            for cell in cells[row * width..<(row + 1) * width] where cell.width > 0 {
                view.append(cell.rampGlyph)
                view.append(contentsOf: cell.marks)
            }
            return String(view)
        }
    }

    /// All rows as one text, blanks at line ends left out.
    package var text: String {
        rows.map { row in String(row.reversed().drop { $0 == " " }.reversed()) }.joined(separator: "\n")
    }

    /// The rows as runs of styles, such as `3 border, 5 text +bold`, for golden tests: this is where colour errors and NaN show.
    package var styleRuns: [String] {
        (0..<height).map { row in
            var runs: [(name: String, count: Int)] = []
            for cell in cells[row * width..<(row + 1) * width] {
                let name = cell.styleName
                if runs.last?.name == name { runs[runs.count - 1].count += 1 } else { runs.append((name, 1)) }
            }
            return runs.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        }
    }
}

extension Cell {
    /// Style and attributes in the words of style dumps.
    var styleName: String {
        style.name + Attributes.names.filter { attributes.contains($0.1) }.map { " +" + $0.0 }.joined()
    }

    /// The glyph without colour: heat cells become a ramp character.
    var rampGlyph: Unicode.Scalar {
        switch style {
        case .heat(let map, let top, let bottom): Ramp.glyph(map, Ramp.larger(map, top, bottom))
        case .half(let map, let level): Ramp.glyph(map, level)
        case .role, .onHeat: glyph
        }
    }
}

/// Heat without colour: darker characters for larger magnitudes.
package enum Ramp {
    private static let glyphs: [Unicode.Scalar] = [" ", ".", ":", "-", "=", "+", "*", "#", "%", "@"]

    /// How far a level is from nothing: 0 to 1. On a diverging map nothing is the middle.
    package static func magnitude(_ map: MapKind, _ level: UInt8) -> Double {
        let top = Double(Style.levels - 1)
        let place = min(Double(level), top) / top
        return map == .diverging ? abs(2 * place - 1) : place
    }

    package static func glyph(_ map: MapKind, _ level: UInt8) -> Unicode.Scalar {
        let index = Int(magnitude(map, level) * Double(glyphs.count))
        return glyphs[min(index, glyphs.count - 1)]
    }

    /// The level of the two that is farther from nothing.
    package static func larger(_ map: MapKind, _ first: UInt8, _ second: UInt8) -> UInt8 {
        magnitude(map, second) > magnitude(map, first) ? second : first
    }

    /// Whether a level of a diverging map stands for a negative value that shows.
    package static func isNegative(_ map: MapKind, _ level: UInt8) -> Bool {
        map == .diverging && glyph(map, level) != " " && Int(level) < Style.levels / 2
    }
}
