import Glibc
import Screen
import Testing

extension RealTerminal {
    /// Kinds of terminals, locales and colours.
    @Suite(.serialized) struct Kinds {
        struct Kind: Sendable, CustomTestStringConvertible {
            var term: String
            var environment: [String: String?] = [:]
            var hasColor = true
            var testDescription: String { "\(term) \(environment.map { "\($0)=\($1 ?? "unset")" }.sorted().joined(separator: " "))" }
        }

        static let kinds: [Kind] = [
            Kind(term: "xterm-256color"), Kind(term: "tmux-256color"), Kind(term: "screen-256color"), Kind(term: "xterm"),
            Kind(term: "linux"),
            Kind(term: "vt100", hasColor: false), Kind(term: "xterm-mono", hasColor: false), Kind(term: "no-such-terminal"),
            Kind(term: "unknown"),
            Kind(term: "xterm-256color", environment: ["COLORTERM": "truecolor"]),
            Kind(term: "tmux-256color", environment: ["COLORTERM": "truecolor"]),
            Kind(term: "xterm-256color", environment: ["NO_COLOR": "1"], hasColor: false),
            Kind(term: "xterm-256color", environment: ["LANG": "C"]), Kind(term: "xterm-256color", environment: ["LANG": nil]),
            Kind(term: "linux", environment: ["LANG": "C"]),
        ]

        @Test(arguments: kinds)
        func works(_ kind: Kind) throws {
            let session = try TerminalSession(environment: kind.environment.merging(["TERM": kind.term]) { $1 })
            session.waitForStart()
            let (hints, colors) = (session.screen.lines.last, session.screen.colors)
            #expect(hints?.isEmpty == false, "no hints in the last row")
            #expect(colors.isEmpty != kind.hasColor)
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("24-bit colours are sent as such")
        func trueColor() throws {
            let session = try TerminalSession(environment: ["COLORTERM": "truecolor"])
            session.waitForStart()
            let colors = session.screen.colors
            #expect(colors.contains("24-bit"))
            session.type("q")
            #expect(session.waitForEnd() == 0)
        }

        @Test(
            "a terminal that cannot be drawn on is refused in words",
            arguments: [
                ("dumb", "cannot place its cursor"), ("", "TERM is not set"), (nil, "TERM is not set"),
            ])
        func refuses(term: String?, reason: String) throws {
            let session = try TerminalSession(size: Size(160, 24), environment: ["TERM": term])
            #expect(session.waitForEnd() == 2)
            session.expectText(reason)
            session.expectText("xterm-256color")
            session.expectRestored()
        }

        @Test("input or output that is no terminal is refused in words", arguments: ["< /dev/null", "| cat"])
        func noTerminal(redirection: String) throws {
            let path = try #require(ProgramUnderTest.path)
            let session = try TerminalSession(
                size: Size(160, 24), program: "/bin/bash", arguments: ["-c", "set -o pipefail; \(path) \(redirection)"])
            #expect(session.waitForEnd() == 2)
            session.expectText("needs a terminal")
            session.expectRestored()
        }

        @Test("terminals that never answer questions are fine too")
        func silent() throws {
            let session = try TerminalSession(answers: false)
            session.waitForStart()
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }
    }

    /// Rest: no output, no work.
    @Suite(.serialized) struct Rest {
        @Test("an idle program sends nothing and uses less than 1 % of a processor")
        func idles() throws {
            let session = try TerminalSession()
            session.waitForRun()
            session.settle(1000)
            let before = session.processes.map(ProcessFiles.processorTime).reduce(0, +)
            let start = session.received
            let end = ContinuousClock.now + .seconds(3)
            while end > .now { session.pump(100) }
            #expect(session.received == start)
            #expect(session.processes.map(ProcessFiles.processorTime).reduce(0, +) - before <= 30)
            session.type("q")
            #expect(session.waitForEnd() == 0)
        }

        @Test("a key is answered in a moment, and a lone Escape waits no longer than it must")
        func answers() throws {
            let session = try TerminalSession()
            session.waitForRun()
            var times: [Duration] = []
            for _ in 0..<20 {
                let start = ContinuousClock.now
                session.type("?")
                session.wait(for: "answer to a key") { $0.text.contains("Help:") }
                times.append(.now - start)
                session.settle(30)
                session.type("\u{1B}")
                session.wait(for: "answer to Escape") { !$0.text.contains("Help:") }
                session.settle(30)
            }
            #expect(times.sorted()[times.count / 2] < .milliseconds(50))
            session.type("q")
            #expect(session.waitForEnd() == 0)
        }
    }
}
