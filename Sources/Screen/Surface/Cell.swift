/// One character cell: a glyph and how it looks. It never holds a colour.
package struct Cell: Hashable, Sendable {
    /// The base character; a space in the second column of a wide character.
    package var glyph: Unicode.Scalar
    /// Combining marks above and below the base, at most `VisibleText.marksPerCell`.
    package var marks: [Unicode.Scalar]
    package var style: Style
    package var attributes: Attributes
    /// Columns this cell takes: 1, 2, or 0 for the second column of a wide character.
    package var width: UInt8

    package init(
        _ glyph: Unicode.Scalar, _ style: Style = .text, attributes: Attributes = [], marks: [Unicode.Scalar] = [], width: UInt8 = 1
    ) {
        (self.glyph, self.style, self.attributes, self.marks, self.width) = (glyph, style, attributes, marks, width)
    }

    package static let blank = Cell(" ")

    /// The second column of a wide character.
    package static func continuation(_ style: Style, _ attributes: Attributes) -> Cell {
        Cell(" ", style, attributes: attributes, width: 0)
    }

    /// Two values of a heat map, one above the other.
    package static func heat(_ map: MapKind, top: UInt8, bottom: UInt8) -> Cell {
        Cell("▀", .heat(map, top: top, bottom: bottom))
    }
}
