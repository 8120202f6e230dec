extension Surface {
    /// Draws a pane's frame and gives the rectangle inside it.
    ///
    /// The focused pane has an accented border and a `▸` before its title, which shows without colour too.
    @discardableResult
    package mutating func box(_ rect: Rect, title: String = "", label: String = "", focused: Bool = false) -> Rect {
        frame(rect, focused ? .borderFocus : .border)
        boxTitle(rect, title, label, focused: focused)
        return rect.inset(1, 1)
    }

    /// The four sides, without a title.
    package mutating func frame(_ rect: Rect, _ role: Role) {
        guard rect.width >= 2, rect.height >= 2 else { return }
        let (right, bottom) = (rect.right - 1, rect.bottom - 1)
        horizontal(rect.x + 1, rect.y, rect.width - 2, "─", role)
        horizontal(rect.x + 1, bottom, rect.width - 2, "─", role)
        vertical(rect.x, rect.y + 1, rect.height - 2, "│", role)
        vertical(right, rect.y + 1, rect.height - 2, "│", role)
        for (x, y, corner) in [(rect.x, rect.y, "┌"), (right, rect.y, "┐"), (rect.x, bottom, "└"), (right, bottom, "┘")] {
            put(x, y, corner, role)
        }
    }

    /// The title on the left of the top line, the label on its right; the title is the more important.
    private mutating func boxTitle(_ rect: Rect, _ title: String, _ label: String, focused: Bool) {
        let room = rect.width - 4
        guard room > 0, rect.height > 0 else { return }
        var used = 0
        if !title.isEmpty {
            let shown = VisibleText.cut(title, to: room)
            put(rect.x + 1, rect.y, focused ? "▸" : " ", focused ? .borderFocus : .border)
            used = put(rect.x + 2, rect.y, shown, focused ? .titleFocus : .title)
            put(rect.x + 2 + used, rect.y, " ", focused ? .borderFocus : .border)
        }
        let free = room - used - 2
        guard !label.isEmpty, free > 2 else { return }
        let shown = VisibleText.cut(label, to: free)
        put(rect.right - 2 - VisibleText.width(shown), rect.y, shown, .label)
    }
}
