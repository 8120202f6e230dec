import Screen

package enum RopePage: Page {
    package static let id = PageID.rope
    package static let key = 3
    package static let title = "RoPE"
    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] { [PanePlace(HeatMapPane.self, area)] }
    package static func status(_ session: Session) -> Line { ExplorePage.status(session) }
}
