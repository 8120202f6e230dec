import Screen

/// The mouse: a click focuses and selects, the wheel scrolls the pane under it. Off until `M`.
extension Session {
    mutating func receive(_ event: MouseEvent) -> [Effect] {
        if let line = CommandScript.line(event) { record(line) }
        let frame = ScreenFrame(size)
        if case .press(.left) = event.action, let tab = tabs.index(at: event.position, in: frame.tabs) {
            open(PageCatalogue.all[tab].id)
            return []
        }
        let places = Drawing.panes(self)
        guard overlay == nil, let hit = places.firstIndex(where: { $0.rect.contains(event.position) }) else { return [] }
        if places.count > 1 { focus[page] = hit }
        switch event.action {
        case .press(.left), .drag(.left): places[hit].pane.click(&self, event.position, places[hit].rect.inset(1, 1))
        case .wheelUp: move(.by(dx: 0, dy: -3))
        case .wheelDown: move(.by(dx: 0, dy: 3))
        default: break
        }
        return []
    }

    private var tabs: Tabs {
        Tabs(PageCatalogue.all.map { Tabs.Item("\($0.key)", $0.title) }, active: PageCatalogue.all.firstIndex { $0.id == page } ?? 0)
    }
}
