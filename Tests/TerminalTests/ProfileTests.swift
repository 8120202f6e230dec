import Curses
import Screen
import Testing

/// Which entry and how many colours: option, NO_COLOR, COLORTERM, TERM, and the entry's own number, in this order.
@Suite struct ProfileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var term: String
        var requested: ColorDepth?
        var environment: [String: String]
        var entry: String
        /// The colours the opened entry has, and the depth that comes of it.
        var colors: Int
        var depth: ColorDepth
        var testDescription: String { "\(term) \(requested.map(\.rawValue) ?? "-") \(environment.keys.sorted())" }

        init(
            _ term: String, _ requested: ColorDepth? = nil, _ environment: [String: String] = [:], entry: String, _ colors: Int,
            _ depth: ColorDepth
        ) {
            (self.term, self.requested, self.environment, self.entry, self.colors, self.depth) = (
                term, requested, environment, entry, colors, depth
            )
        }
    }

    private static let direct = 1 << 24

    static let cases: [Case] = [
        Case("xterm-256color", entry: "xterm-256color", 256, .xterm256), Case("xterm", entry: "xterm", 8, .ansi8),
        Case("linux", entry: "linux", 8, .ansi8), Case("vt100", entry: "vt100", 0, .mono),
        Case("xterm-16color", entry: "xterm-16color", 16, .ansi16),
        Case("xterm-256color", nil, ["COLORTERM": "truecolor"], entry: "mica-xterm-direct", direct, .trueColor),
        Case("tmux-256color", nil, ["COLORTERM": "24bit"], entry: "mica-tmux-direct", direct, .trueColor),
        Case("screen-256color", nil, ["COLORTERM": "truecolor"], entry: "mica-tmux-direct", direct, .trueColor),
        Case("alacritty", nil, ["COLORTERM": "truecolor"], entry: "mica-xterm-direct", direct, .trueColor),
        Case("linux", nil, ["COLORTERM": "truecolor"], entry: "linux", 8, .ansi8),
        Case("xterm-256color", nil, ["COLORTERM": "yes"], entry: "xterm-256color", 256, .xterm256),
        Case("xterm-256color", nil, ["COLORTERM": "truecolor", "NO_COLOR": "1"], entry: "xterm-256color", 256, .mono),
        Case("xterm-256color", nil, ["NO_COLOR": ""], entry: "xterm-256color", 256, .xterm256),
        Case("xterm-256color", .trueColor, ["NO_COLOR": "1"], entry: "mica-xterm-direct", direct, .trueColor),
        Case("xterm-256color", .mono, ["COLORTERM": "truecolor"], entry: "xterm-256color", 256, .mono),
        Case("xterm", .xterm256, entry: "xterm-256color", 256, .xterm256),
        Case("screen", .xterm256, entry: "screen-256color", 256, .xterm256),
        Case("xterm-256color", .ansi8, entry: "xterm-256color", 256, .ansi8),
        Case("xterm-256color", .ansi16, entry: "xterm-256color", 256, .ansi16),
        Case("vt100", .trueColor, entry: "vt100", 0, .mono),
    ]

    @Test(arguments: cases)
    func chooses(_ one: Case) {
        let profile = TerminalProfile(term: one.term, requested: one.requested, environment: one.environment)
        #expect(profile.entry == one.entry)
        #expect(profile.depth(colors: one.colors) == one.depth)
    }

    @Test("a slow link is noticed, gets fewer colour steps and frames, and recovers")
    func link() {
        var meter = LinkMeter()
        func frame(_ bytes: Int, rate: Double) {
            meter.beginFrame()
            var left = bytes
            while left > 0 {
                let piece = min(left, meter.pieceSize)
                meter.record(Double(piece) / rate, bytes: piece)
                left -= piece
            }
            meter.endFrame()
        }
        #expect(meter.pieceSize == 16_000)
        for _ in 0..<3 { frame(384_000, rate: 27_000) }
        #expect(!meter.isSlow && !meter.isCoarse && meter.pieceSize > 384_000 && meter.interval == .zero)
        // A few bytes that took long are no reason yet: another program had the processor.
        frame(100, rate: 4)
        #expect(!meter.isSlow && meter.pieceSize > 100_000)
        for _ in 0..<3 { frame(384_000, rate: 1000) }
        #expect(meter.isSlow && meter.isCoarse && (20_000...80_000).contains(meter.pieceSize) && meter.interval > .milliseconds(100))
        // A cursor's movement is shown at once also on a slow link, and says nothing about it.
        frame(100, rate: 10_000)
        #expect(meter.isSlow && meter.interval == .zero && meter.pieceSize < 80_000)
        for _ in 0..<10 { frame(200_000, rate: 27_000) }
        #expect(!meter.isSlow && !meter.isCoarse)
    }

    @Test("faults have names that MICA_FAULT takes")
    func faults() {
        #expect(Fault.allCases.count == 11)
        #expect(Fault(rawValue: "engine-trap") == .engineTrap)
    }
}
