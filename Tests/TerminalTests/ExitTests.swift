import Curses
import Glibc
import Screen
import Testing

extension RealTerminal {
    /// Every way out leaves the terminal as it was: first screen, cursor, no reports, `stty` the same.
    @Suite(.serialized) struct Exits {
        struct Way: Sendable, CustomTestStringConvertible {
            var name: String
            /// What a shell's `$?` shows.
            var status: Int32
            var environment: [String: String] = [:]
            /// Whether something must be said afterwards.
            var says: String?
            /// Whether it is an orderly end; the guard's, for a program that does not answer, takes two seconds.
            var isOrderly = false
            var end: @Sendable (TerminalSession) -> Void = { _ in }
            var testDescription: String { name }
        }

        private static func keys(_ name: String, _ text: String) -> Way {
            Way(name: name, status: 0) { $0.type(text) }
        }

        private static func signal(_ name: String, _ number: Int32) -> Way {
            Way(name: name, status: 128 + number, isOrderly: true) { kill($0.process, number) }
        }

        private static func fault(_ fault: Fault, _ signal: Int32) -> Way {
            Way(
                name: "fault \(fault.rawValue)", status: 128 + signal, environment: ["MICA_FAULT": fault.rawValue], says: "signal \(signal)"
            )
        }

        /// The child that does the work; its parent only watches.
        private static func killChild(_ number: Int32) -> @Sendable (TerminalSession) -> Void {
            { session in
                if let child = session.processes.last { kill(child, number) }
            }
        }

        static let ways: [Way] = [
            keys("q", "q"), keys(":q", ":q\r"),
            signal("SIGTERM", SIGTERM), signal("SIGHUP", SIGHUP), signal("SIGINT", SIGINT), signal("SIGQUIT", SIGQUIT),
            Way(name: "SIGTERM to the whole job", status: 128 + SIGTERM, isOrderly: true) { kill(-$0.process, SIGTERM) },
            Way(name: "SIGKILL of the child", status: 137, says: "signal 9", end: killChild(SIGKILL)),
            Way(name: "SIGSEGV sent", status: 139, says: "signal 11", end: killChild(SIGSEGV)),
            Way(name: "SIGABRT sent", status: 134, says: "signal 6", end: killChild(SIGABRT)),
            fault(.trap, SIGILL), fault(.index, SIGILL), fault(.null, SIGSEGV), fault(.abort, SIGABRT), fault(.overflow, SIGSEGV),
            fault(.engineTrap, SIGILL), fault(.engineOverflow, SIGSEGV), fault(.threadOverflow, SIGSEGV), fault(.kill, SIGKILL),
        ]

        @Test(arguments: ways)
        func restores(_ way: Way) throws {
            let session = try TerminalSession(environment: way.environment)
            session.waitForStart()
            if way.environment.isEmpty { #expect(session.terminal.modes != session.before, "raw mode was never on") }
            let start = ContinuousClock.now
            way.end(session)
            #expect(session.waitForEnd() == way.status)
            if way.isOrderly { #expect(.now - start < .seconds(1.8)) }
            session.expectRestored()
            if let text = way.says { session.expectText(text) }
        }

        @Test("Ctrl-C is a key: twice does not quit, and q still does")
        func interrupts() throws {
            let session = try TerminalSession()
            session.waitForStart()
            session.type("\u{3}")
            session.settle()
            session.type("\u{3}")
            session.settle()
            let isUp = session.screen.isSecondScreen
            #expect(isUp)
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("a closed window ends the program, and no process of it is left spinning")
        func hangup() throws {
            let session = try TerminalSession()
            session.waitForStart()
            let processes = session.processes
            session.terminal.close()
            #expect(session.waitForEnd(seconds: 5) == 129)
            #expect(!processes.contains(where: ProcessFiles.isRunning))
        }

        @Test("a closed window ends it also where hangups are ignored, as under nohup")
        func hangupIgnored() throws {
            let path = try #require(ProgramUnderTest.path)
            let session = try TerminalSession(program: "/bin/sh", arguments: ["-c", "trap '' HUP; exec \(path)"])
            session.waitForStart()
            session.terminal.close()
            #expect(session.waitForEnd(seconds: 5) == 129)
        }

        @Test("a program that hangs ends two seconds after SIGTERM, and at once after a second one", arguments: [false, true])
        func hang(twice: Bool) throws {
            let session = try TerminalSession(environment: ["MICA_FAULT": Fault.hang.rawValue])
            session.waitForStart()
            let start = ContinuousClock.now
            kill(session.process, SIGTERM)
            if twice {
                session.settle(300)
                kill(session.process, SIGTERM)
            }
            #expect(session.waitForEnd() == 143)
            #expect(twice == (.now - start < .seconds(1.5)))
            session.expectRestored()
        }

        @Test("a crash report is written, and its place is told; nothing prompts for a key")
        func crashReport() throws {
            let folder = "/tmp/mica-state-\(getpid())"
            mkdir(folder, 0o700)
            let session = try TerminalSession(
                size: Size(160, 24), environment: ["MICA_FAULT": "trap", "XDG_STATE_HOME": folder, "SWIFT_BACKTRACE": nil])
            #expect(session.waitForEnd(seconds: 60) == 132)
            session.expectRestored()
            session.expectText("crash report: \(folder)/mica/mica-crash-\(session.process).txt")
            session.expectText("Press", false)
            let report = "\(folder)/mica/mica-crash-\(session.process).txt"
            #expect(ProcessFiles.text(report).contains("rash"))
            unlink(report)
            rmdir("\(folder)/mica")
            rmdir(folder)
        }

        @Test("what libraries print is kept off the screen, and shown harmlessly at the end")
        func noise() throws {
            let session = try TerminalSession(environment: ["MICA_FAULT": Fault.noise.rawValue])
            session.waitForStart()
            session.expectText("a library says", false)
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectText("a library says <0x1B>[31mhello")
            session.expectRestored()
        }

        @Test("without its supervisor the program still restores the terminal by itself", arguments: [Fault.trap, .engineOverflow])
        func alone(fault: Fault) throws {
            let session = try TerminalSession(environment: ["MICA_FAULT": fault.rawValue, "MICA_NO_SUPERVISOR": "1"])
            #expect(session.waitForEnd() == (fault == .trap ? 132 : 139))
            #expect(session.processes.count == 1)
            session.expectRestored()
        }
    }
}
