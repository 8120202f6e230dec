/// What a piece of text is for. A cell holds a role; the theme alone knows its colour.
///
/// The raw value is its place in tables.
package enum Role: UInt8, CaseIterable, Sendable {
    case text
    case dim
    case border
    case borderFocus
    case title
    case titleFocus
    /// The word at the right end of a pane's title line.
    case label
    case tab
    case tabActive
    /// The selected row of the focused pane.
    case select
    /// The selected row of a pane that has not the focus.
    case selectDim
    case status
    case statusKey
    case statusOk
    case statusWarn
    case statusErr
    case key
    case hint
    case prompt
    /// The block cursor of a line being edited.
    case caret
    case ok
    case warn
    case err
    case accent
    /// The cell of a heat map that the cursor is on.
    case cursor
    /// Row and column numbers at a heat map's edge, and the two the cursor is on.
    case ruler
    case rulerCursor
    /// What a search has found.
    case match
    case breakpoint
    case watch
    /// The step that runs next.
    case current
    case heading
    case emphasis
    case code
    case formula
    /// The text and frame of a box above the panes.
    case overlay
    case overlayBorder
    /// A value's place with no value: masked attention, a gap.
    case masked
    case nan
    case posInf
    case negInf
    case series0
    case series1
    case series2
    case series3
    case series4

    /// The five data series, in order.
    package static let series: [Role] = [.series0, .series1, .series2, .series3, .series4]

    /// The role of the data series `index`, counted round.
    package static func series(_ index: Int) -> Role {
        series[((index % series.count) + series.count) % series.count]
    }

    /// The place of this role in tables, from 0.
    package var index: Int { Int(rawValue) }

    /// The key in a theme file and the name in a style dump: `border.focus` for `borderFocus`.
    package var key: String { Role.keys[index] }

    private static let keys: [String] = allCases.map { role in
        if role == .posInf || role == .negInf { return "\(role)".lowercased() }
        return "\(role)".reduce(into: "") { key, character in
            if character.isUppercase || character.isNumber { key.append(".") }
            key += character.lowercased()
        }
    }
}
