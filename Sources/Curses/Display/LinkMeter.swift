/// Watches how fast the terminal takes what it is sent, and says how much to send at once.
///
/// The limits are those at which a hand on a key begins to feel the wait. The kernel swallows the first 64 KB of anything, so a link counts
/// as slow until it has shown otherwise, and what is believed of it at most doubles with each piece sent.
package struct LinkMeter: Sendable {
    /// Bytes a millisecond.
    package private(set) var rate = 400.0
    /// Whether colour maps are sent in fewer steps.
    package private(set) var isCoarse = false
    /// Whether the link is worth a word in the status line.
    package private(set) var isSlow = false
    /// Milliseconds and bytes of the frame sent last.
    private var (time, bytes) = (0.0, 0)

    package init() {}

    /// Bytes to send before looking for a key: what takes about 40 ms.
    package var pieceSize: Int { max(Int(rate * 40), 500) }

    /// The least time from the end of a frame to the next one: a slow frame is followed by rest, a quick one by none.
    package var interval: Duration { time > 50 ? .milliseconds(min(time, 400)) : .zero }

    package mutating func beginFrame() { (time, bytes) = (0, 0) }

    /// Takes the time that a piece of a frame took. A few bytes that went at once say nothing.
    package mutating func record(_ milliseconds: Double, bytes count: Int) {
        time += milliseconds
        bytes += count
        guard milliseconds > 20 || count >= min(12_000, pieceSize / 2) else { return }
        let measured = Double(count) / max(milliseconds, 0.01)
        rate = min(0.5 * rate + 0.5 * measured, 2 * rate)
    }

    /// Judges a whole frame. Fewer colour steps halve its cost, so the way back needs a margin.
    package mutating func endFrame() {
        guard bytes > 20_000 || time > 50 else { return }
        isSlow = time > 50
        if time > 150 { isCoarse = true }
        if time < 30 { isCoarse = false }
    }
}
