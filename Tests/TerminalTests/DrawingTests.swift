import Glibc
import Screen
import Testing

extension RealTerminal {
    /// What the terminal shows is what the program drew.
    @Suite(.serialized) struct Drawings {
        @Test("the screen is the saved surface, cell by cell", arguments: ["xterm-256color", "tmux-256color", "linux", "xterm-mono"])
        func equalsSurface(term: String) throws {
            let file = "/tmp/mica-screen-\(getpid()).txt"
            let prompt = "Tom said: 日本 café 🙂 ñ"
            let session = try TerminalSession(
                size: Size(120, 36), arguments: ["--prompt", prompt], environment: ["TERM": term])
            session.waitForStart()
            session.type(":save-screen \(file)\r")
            session.wait(for: "saved screen") { _ in access(file, R_OK) == 0 }
            session.settle()
            let saved = ProcessFiles.text(file, limit: 1 << 20).split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
            let shown = session.screen.lines.map(Array.init)
            // The last two rows tell about the command itself.
            for row in 0..<34 where !equal(saved[row], shown[row]) {
                Issue.record("row \(row) is\n\(String(shown[row]))\ninstead of\n\(String(saved[row]))")
            }
            unlink(file)
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        /// A saved text shows colours as characters; on the terminal these cells are half blocks, or blanks where both halves are alike.
        private func equal(_ saved: [Character], _ shown: [Character]) -> Bool {
            let width = max(saved.count, shown.count)
            func padded(_ row: [Character]) -> [Character] { row + repeatElement(" ", count: width - row.count) }
            return zip(padded(saved), padded(shown)).allSatisfy { $0 == $1 || $1 == "▀" || ($1 == " " && ".:-=+*#%@".contains($0)) }
        }
    }
}
