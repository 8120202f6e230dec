import Glibc
import Screen
import Testing

extension RealTerminal {
    /// What the terminal shows is what the program drew.
    @Suite(.serialized) struct Drawings {
        @Test("the screen is the saved surface, cell by cell", arguments: ["xterm-256color", "tmux-256color", "linux", "xterm-mono"])
        func equalsSurface(term: String) throws {
            let prompt = "Tom said: 日本 café 🙂 ñ"
            let session = try TerminalSession(
                size: Size(120, 36), arguments: ["--prompt", prompt], environment: ["TERM": term])
            session.waitForRun()
            let deadline = ContinuousClock.now + .seconds(10)
            // Answers of the engine may still come between the picture and the file.
            var different: [String]
            repeat { different = differences(session) } while !different.isEmpty && deadline > .now
            #expect(different.isEmpty, "\(different.joined(separator: "\n"))")
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        /// The rows that are not as they are saved.
        private func differences(_ session: TerminalSession) -> [String] {
            let file = "/tmp/mica-screen-\(getpid()).txt"
            defer { unlink(file) }
            session.type(":save-screen \(file)\r")
            session.wait(for: "saved screen") { _ in access(file, R_OK) == 0 }
            session.settle()
            let saved = ProcessFiles.text(file, limit: 1 << 20).split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
            let shown = session.screen.lines.map(Array.init)
            // The last two rows tell about the command itself.
            guard saved.count >= 34, shown.count >= 34 else { return ["\(saved.count) rows are saved, \(shown.count) are shown"] }
            return (0..<34).filter { !equal(saved[$0], shown[$0]) }.map { row in
                "row \(row) is\n\(String(shown[row]))\ninstead of\n\(String(saved[row]))"
            }
        }

        /// A saved text shows colours as characters; on the terminal these cells are half blocks, or blanks where both halves are alike.
        private func equal(_ saved: [Character], _ shown: [Character]) -> Bool {
            let width = max(saved.count, shown.count)
            func padded(_ row: [Character]) -> [Character] { row + repeatElement(" ", count: width - row.count) }
            return zip(padded(saved), padded(shown)).allSatisfy { $0 == $1 || $1 == "▀" || ($1 == " " && ".:-=+*#%@".contains($0)) }
        }
    }
}
