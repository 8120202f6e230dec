/// A box above the panes: help, palette, which-key, questions.
package struct Overlay: Hashable, Sendable {
    package enum Place: Hashable, Sendable {
        case center
        /// At the bottom right, where it hides least.
        case corner
    }

    package var title: String
    package var label: String
    /// The size inside the frame.
    package var size: Size
    package var place: Place

    package init(_ title: String, label: String = "", size: Size, place: Place = .center) {
        (self.title, self.label, self.size, self.place) = (title, label, size, place)
    }

    /// The box with its frame, for mouse clicks.
    package func frame(in rect: Rect) -> Rect {
        let box = rect.centered(Size(size.width + 4, size.height + 2))
        return place == .center ? box : Rect(rect.right - box.width, rect.bottom - box.height, box.width, box.height)
    }

    /// Clears the box, draws its frame and gives what is inside.
    @discardableResult
    package func draw(into surface: inout Surface, in rect: Rect) -> Rect {
        let box = frame(in: rect)
        surface.clipped(to: rect) { surface in
            surface.fill(box, .overlay)
            surface.frame(box, .overlayBorder)
            let room = max(0, box.width - 6)
            let used = surface.put(box.x + 3, box.y, VisibleText.cut(title, to: room), .overlayBorder)
            surface.put(box.x + 2, box.y, used > 0 ? " " : "─", .overlayBorder)
            surface.put(box.x + 3 + used, box.y, used > 0 ? " " : "─", .overlayBorder)
            let free = room - used - 2
            let shown = VisibleText.cut(label, to: max(free, 0))
            surface.put(box.right - 2 - VisibleText.width(shown), box.y, shown, .overlayBorder)
        }
        return box.inset(2, 1)
    }
}
