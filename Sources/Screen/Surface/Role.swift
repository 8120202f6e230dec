/// What a piece of text is for. A cell holds a role; the theme alone knows its colour.
///
/// The raw value is the key in a theme file and the name in a style dump.
package enum Role: String, CaseIterable, Sendable {
    case text
    case dim
    case border
    case borderFocus = "border.focus"
    case title
    case titleFocus = "title.focus"
    /// The word at the right end of a pane's title line.
    case label
    case tab
    case tabActive = "tab.active"
    /// The selected row of the focused pane.
    case select
    /// The selected row of a pane that has not the focus.
    case selectDim = "select.dim"
    case status
    case statusKey = "status.key"
    case statusOk = "status.ok"
    case statusWarn = "status.warn"
    case statusErr = "status.err"
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
    case rulerCursor = "ruler.cursor"
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
    case overlayBorder = "overlay.border"
    /// A value's place with no value: masked attention, a gap.
    case masked
    case nan
    case posInf = "posinf"
    case negInf = "neginf"
    case series0 = "series.0"
    case series1 = "series.1"
    case series2 = "series.2"
    case series3 = "series.3"
    case series4 = "series.4"

    /// The five data series, in order.
    package static let series: [Role] = [.series0, .series1, .series2, .series3, .series4]

    /// The role of the data series `index`, counted round.
    package static func series(_ index: Int) -> Role {
        series[((index % series.count) + series.count) % series.count]
    }

    /// The place of this role in tables, from 0.
    package var index: Int { Role.positions[self, default: 0] }

    private static let positions = Dictionary(uniqueKeysWithValues: Role.allCases.enumerated().map { ($1, $0) })
}
