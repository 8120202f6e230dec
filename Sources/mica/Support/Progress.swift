/// A bar on standard error, if that is a terminal and the work takes longer than a second.
struct Progress {
    private let label: String
    private let total: Int
    private let start = ContinuousClock.now
    private var shown = -1
    private static let width = 30

    init(_ label: String, total: Int) {
        self.label = label
        self.total = max(total, 1)
    }

    mutating func update(_ done: Int) {
        guard Console.errorIsTerminal, ContinuousClock.now - start > .seconds(1) else { return }
        let percent = min(100, done * 100 / total)
        guard percent != shown else { return }
        shown = percent
        let filled = percent * Progress.width / 100
        let bar = String(repeating: "#", count: filled) + String(repeating: "-", count: Progress.width - filled)
        Console.status("\r\(label) [\(bar)] \(percent) %")
    }

    /// Leaves the line empty.
    mutating func finish() {
        guard shown >= 0 else { return }
        shown = -1
        Console.status("\r" + String(repeating: " ", count: label.utf8.count + Progress.width + 10) + "\r")
    }
}
