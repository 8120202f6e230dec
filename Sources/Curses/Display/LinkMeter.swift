/// Watches how long the terminal takes for what it is sent, and says how much to send.
///
/// The limits are those at which a hand on a key begins to feel the wait.
package struct LinkMeter: Sendable {
    /// Milliseconds for a whole screen, smoothed.
    package private(set) var wholeScreen = 0.0
    /// Whether colour maps are sent in fewer steps.
    package private(set) var isCoarse = false
    /// Milliseconds that the frame sent last took.
    private var frame = 0.0

    package init() {}

    /// Whether the link is worth a word in the status line.
    package var isSlow: Bool { wholeScreen > 50 }

    /// The least time from the end of a frame to the next one: a slow frame is followed by rest, a quick one by none.
    package var interval: Duration { frame > 50 ? .milliseconds(min(frame, 400)) : .zero }

    /// Rows to send before looking for a key: all on a fast link, what takes about 40 ms on a slow one.
    package func rowsAtOnce(of height: Int) -> Int {
        isSlow ? max(1, min(height, Int(Double(height) * 40 / wholeScreen))) : height
    }

    package mutating func beginFrame() { frame = 0 }

    /// Takes the time that sending `rows` of `height` rows took. The fewer the rows, the less it says about a whole screen: buffers swallow
    /// a few, and another program's turn on the processor looks like a slow link.
    package mutating func record(_ milliseconds: Double, rows: Int, of height: Int) {
        frame += milliseconds
        let share = min(1, 4 * Double(rows) / Double(max(height, 1)))
        guard share > 0 else { return }
        let estimate = milliseconds * min(Double(height) / Double(rows), 4)
        let weight = (wholeScreen == 0 ? 1 : 0.4) * share
        wholeScreen += weight * (estimate - wholeScreen)
        // Fewer steps halve the cost, so the way back needs a margin.
        if wholeScreen > 150 { isCoarse = true }
        if wholeScreen < 40 { isCoarse = false }
    }
}
