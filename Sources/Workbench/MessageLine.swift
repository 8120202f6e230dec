import Screen

extension Message {
    /// So many rows at most, the last one that of the hints.
    private static let most = 4

    /// In the row of the hints. What is longer takes rows above it until the next key: the end of a message says what to do.
    func draw(into surface: inout Surface, in rect: Rect) {
        let lines = Prose.wrap(signed, width: rect.width - 2, role: role).prefix(Message.most)
        let area = Rect(rect.x, rect.y - lines.count + 1, rect.width, lines.count)
        surface.fill(area, .text)
        for (row, line) in lines.enumerated() { surface.put(area.x + 1, area.y + row, line, width: area.width - 2) }
    }

    /// Colour alone never tells: each kind has a sign.
    private var signed: String {
        switch kind {
        case .info: text
        case .warning: "! \(text)"
        case .error: "✗ \(text)"
        }
    }

    private var role: Role {
        switch kind {
        case .info: .hint
        case .warning: .warn
        case .error: .err
        }
    }
}
