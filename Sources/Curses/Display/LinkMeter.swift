/// Watches how long the terminal takes for what it is sent, and says how much to send.
///
/// The limits are those at which a hand on a key begins to feel the wait.
package struct LinkMeter: Sendable {
    /// Milliseconds for a whole screen, smoothed.
    package private(set) var wholeScreen = 0.0
    /// Whether colour maps are sent in fewer steps.
    package private(set) var isCoarse = false

    package init() {}

    /// Whether the link is worth a word in the status line.
    package var isSlow: Bool { wholeScreen > 50 }
    /// The least time between two frames.
    package var interval: Duration { .milliseconds(isSlow ? min(wholeScreen * 2, 400) : 0) }

    /// Rows to send before looking for a key: all on a fast link, what takes about 40 ms on a slow one.
    package func rowsAtOnce(of height: Int) -> Int {
        isSlow ? max(1, min(height, Int(Double(height) * 40 / wholeScreen))) : height
    }

    /// Takes the time that sending `rows` of `height` rows took.
    package mutating func record(_ milliseconds: Double, rows: Int, of height: Int) {
        // A few rows say nothing about a whole screen, unless even they took long.
        guard rows * 4 >= height || milliseconds > 20 else { return }
        let estimate = milliseconds * Double(height) / Double(max(rows, 1))
        wholeScreen = wholeScreen == 0 ? estimate : 0.6 * wholeScreen + 0.4 * estimate
        // Fewer steps halve the cost, so the way back needs a margin.
        if wholeScreen > 150 { isCoarse = true }
        if wholeScreen < 40 { isCoarse = false }
    }
}
