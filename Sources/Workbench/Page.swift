import Screen

/// A screen of the workbench.
package enum PageID: String, CaseIterable, Sendable {
    case explore, attention, rope, gradient, numerics, tokens, train
}

/// One screen: a number, a name, and where its panes lie. A file in Pages/ and a line in `PageCatalogue.all`.
package protocol Page: Sendable {
    static var id: PageID { get }
    /// The digit that opens it; fixed, also while other screens do not exist.
    static var key: Int { get }
    static var title: String { get }
    /// The panes for a size, the most important first; what does not fit is left out.
    static func layout(_ session: Session, _ area: Rect) -> [PanePlace]
    /// The most important fact first: it is cut at the width.
    static func status(_ session: Session) -> Line
    /// What the keys that mean the same everywhere do here, most important first; the rest of the bar follows from the key map.
    static func hints(_ session: Session) -> [HintBar.Hint]
    /// The right end of the tab line, and what stands there where that is too long.
    static func label(_ session: Session) -> String
    static func shorterLabels(_ session: Session) -> [String]
    /// Moving between layers and heads means something else on each screen.
    static func move(_ session: inout Session, _ step: Move) -> Bool
}

extension Page {
    package static func hints(_ session: Session) -> [HintBar.Hint] {
        [HintBar.Hint("hjkl", "move"), HintBar.Hint("Tab", "pane"), HintBar.Hint("Enter", "open")]
    }

    package static func label(_ session: Session) -> String { RunLine.label(session) }
    package static func shorterLabels(_ session: Session) -> [String] {
        label(session) == RunLine.label(session) ? RunLine.shorterLabels(session) : []
    }
    package static func move(_ session: inout Session, _ step: Move) -> Bool { false }
}

package enum PageCatalogue {
    package static let all: [any Page.Type] = [
        ExplorePage.self, AttentionPage.self, RopePage.self, GradientPage.self, NumericsPage.self, TokensPage.self, TrainPage.self,
    ]

    package static func page(_ id: PageID) -> any Page.Type { all.first { $0.id == id } ?? ExplorePage.self }
}

/// A pane and its place, frame included.
package struct PanePlace: Sendable {
    package let pane: any Pane.Type
    package let rect: Rect

    package init(_ pane: any Pane.Type, _ rect: Rect) {
        self.pane = pane
        self.rect = rect
    }
}

/// A framed part of a screen. One file in Panes/. Drawing is pure: it reads the session and computes no tensor; what takes a walk over
/// numbers is asked for in `requests` and drawn when the engine has answered.
package protocol Pane: Sendable {
    static var name: String { get }
    static func title(_ session: Session) -> String
    /// The word at the right end of the frame.
    static func label(_ session: Session) -> String
    /// What it needs to know, for an area inside the frame.
    static func requests(_ session: Session, _ area: Rect) -> [Request]
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool)
    /// Moves the pane's own cursor. False: the page decides.
    static func move(_ session: inout Session, _ step: Move) -> Bool
    /// Enter.
    static func activate(_ session: inout Session) -> [Effect]
    /// A click at a point inside the frame.
    static func click(_ session: inout Session, _ point: Point, _ area: Rect)
}

extension Pane {
    package static func label(_ session: Session) -> String { "" }
    package static func requests(_ session: Session, _ area: Rect) -> [Request] { [] }
    package static func move(_ session: inout Session, _ step: Move) -> Bool { false }
    package static func activate(_ session: inout Session) -> [Effect] { [] }
    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {}
}

/// A step of a cursor.
package enum Move: Sendable, Hashable {
    case by(dx: Int, dy: Int)
    /// Pages of the pane: down 1, up −1, halves.
    case pages(Double)
    case rowStart, rowEnd, first, last
    case layer(Int)
    case head(Int)
    case leading(Int)
    /// Up in the structure.
    case out
}

/// What the world outside has to do; data, so that a test can look at it.
package enum Effect: Sendable {
    case engine(EngineCommand)
    case quit
    case suspend
    case redraw
    case mouse(Bool)
    case copy(String)
    case theme(String)
    /// Writes the screen, as text or SVG by the name's ending.
    case saveScreen(String)
    case write(String, to: String)
}
