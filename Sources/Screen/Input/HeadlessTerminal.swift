/// A terminal with no screen: events come from a list, surfaces are kept.
package final class HeadlessTerminal: Terminal {
    package private(set) var size: Size
    package let depth: ColorDepth
    package let glyphs: GlyphSet
    package let wake: @Sendable () -> Void = {}
    /// The last surface shown, and how many there were.
    package private(set) var surface: Surface
    package private(set) var frames = 0
    package private(set) var clipboard = ""
    package private(set) var isMouseOn = false
    package private(set) var isClosed = false
    private var events: [InputEvent]

    package init(size: Size, depth: ColorDepth = .trueColor, glyphs: GlyphSet = .unicode, events: [InputEvent] = []) {
        (self.size, self.depth, self.glyphs, self.events) = (size, depth, glyphs, events)
        surface = Surface(size)
    }

    /// Adds events behind those that wait.
    package func feed(_ more: [InputEvent]) {
        events += more
    }

    package func present(_ surface: Surface, theme: Theme) {
        self.surface = surface
        frames += 1
    }

    package func invalidate() {}

    /// The next event of the list; at its end the terminal hangs up, so that no loop waits for ever.
    package func nextEvent(timeout: Duration?) -> InputEvent? {
        guard !events.isEmpty else { return timeout == nil ? .hangup : nil }
        let event = events.removeFirst()
        if case .resize(let size) = event { self.size = size }
        return event
    }

    package func setMouse(_ on: Bool) { isMouseOn = on }
    package func copy(_ text: String) { clipboard = text }
    package func suspend() {}
    package func close() { isClosed = true }
}
