import Screen

package enum AttentionPage: Page {
    package static let id = PageID.attention
    package static let key = 2
    package static let title = "Attention"
    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] { [PanePlace(HeatMapPane.self, area)] }
    package static func status(_ session: Session) -> Line { ExplorePage.status(session) }
}
