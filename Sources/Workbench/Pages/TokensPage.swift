import Screen

package enum TokensPage: Page {
    package static let id = PageID.tokens
    package static let key = 7
    package static let title = "Tokens"
    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] { [PanePlace(HeatMapPane.self, area)] }
    package static func status(_ session: Session) -> Line { ExplorePage.status(session) }
}
