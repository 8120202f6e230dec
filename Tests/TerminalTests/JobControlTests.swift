import Glibc
import Screen
import Testing

extension RealTerminal {
    /// Ctrl-Z, `fg`, `bg`, as a shell's job.
    @Suite(.serialized) struct JobControl {
        /// A shell in a terminal, and the program started in it.
        private func start() throws -> TerminalSession {
            let path = try #require(ProgramUnderTest.path)
            let session = try TerminalSession(
                program: "/bin/bash", arguments: ["--norc", "--noprofile", "--noediting", "-i"], environment: ["PS1": "ready> "])
            session.wait(for: "prompt") { $0.text.contains("ready>") }
            session.type("stty -g; \(path)\r")
            session.wait(for: "second screen") { $0.isSecondScreen }
            session.waitForStart()
            return session
        }

        private func stop(_ session: TerminalSession) {
            session.type("\u{1A}")
            session.wait(for: "shell") { !$0.isSecondScreen && $0.text.contains("Stopped") }
            session.settle()
        }

        private func resume(_ session: TerminalSession) {
            session.type("fg\r")
            session.wait(for: "second screen") { $0.isSecondScreen && $0.lines.last?.isEmpty == false }
            session.settle()
        }

        /// The answers of `stty -g` on the screen.
        private func settings(_ session: TerminalSession) -> [String] {
            session.screen.lines.filter { $0.filter { $0 == ":" }.count > 20 }
        }

        private func quit(_ session: TerminalSession) {
            session.type("q")
            session.wait(for: "first screen") { !$0.isSecondScreen }
            session.type("echo status=$?; exit\r")
            session.wait(for: "status") { $0.text.contains("status=0") }
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("stopped, the shell has its terminal back; continued, all is there again")
        func stopsAndContinues() throws {
            let session = try start()
            stop(session)
            let modes = session.screen.modes
            #expect(modes.contains(25) && !modes.contains(2004))
            session.type("stty -g\r")
            session.wait(for: "settings") { _ in settings(session).count == 2 }
            #expect(Set(settings(session)).count == 1)
            resume(session)
            quit(session)
        }

        @Test("ten times, and at another size each time")
        func often() throws {
            let session = try start()
            for index in 0..<10 {
                stop(session)
                session.resize(Size(70 + index * 5, 20 + index))
                resume(session)
            }
            quit(session)
        }

        @Test("in the background it neither writes nor reads the terminal")
        func background() throws {
            let session = try start()
            stop(session)
            session.type("bg\r")
            session.settle(300)
            let count = session.received
            session.resize(Size(90, 30))
            session.settle(1500)
            #expect(session.received == count)
            // What is typed is the shell's.
            session.type("echo it-is-$((6*7))\r")
            session.wait(for: "shell's answer") { $0.text.contains("it-is-42") }
            let isUp = session.screen.isSecondScreen
            #expect(!isUp)
            resume(session)
            quit(session)
        }

        @Test("SIGTSTP from outside stops the job like Ctrl-Z")
        func stopsFromOutside() throws {
            let session = try start()
            let job = session.processes.dropFirst().first ?? 0
            kill(job, SIGTSTP)
            session.wait(for: "shell") { !$0.isSecondScreen && $0.text.contains("Stopped") }
            resume(session)
            quit(session)
        }

        @Test("stopped by force and continued, it draws itself anew")
        func stopsByForce() throws {
            let session = try start()
            for process in session.processes.dropFirst() { kill(process, SIGSTOP) }
            session.wait(for: "shell") { $0.text.contains("Stopped") }
            session.settle()
            session.type("fg\r")
            session.settle(400)
            session.wait(for: "screen") { $0.isSecondScreen && $0.lines.last?.isEmpty == false && !$0.text.contains("Stopped") }
            quit(session)
        }

        @Test("a killed supervisor leaves no program behind and no broken terminal")
        func supervisorKilled() throws {
            let session = try start()
            let jobs = Array(session.processes.dropFirst())
            #expect(jobs.count == 2, "the program and its supervisor")
            kill(jobs.first ?? 0, SIGKILL)
            session.wait(for: "first screen") { !$0.isSecondScreen }
            session.wait(for: "end of the program") { _ in jobs.allSatisfy { !ProcessFiles.isRunning($0) } }
            session.type("stty -g\r")
            session.wait(for: "settings") { _ in settings(session).count == 2 }
            #expect(Set(settings(session)).count == 1)
            session.type("exit\r")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("SIGTERM while stopped ends it once continued")
        func endsWhileStopped() throws {
            let session = try start()
            let job = session.processes.dropFirst().first ?? 0
            stop(session)
            kill(job, SIGTERM)
            session.type("fg\r")
            session.wait(for: "end") { !$0.isSecondScreen && $0.text.contains("fg\n") }
            session.settle(300)
            session.type("echo status=$?; exit\r")
            session.wait(for: "status") { $0.text.contains("status=143") }
            _ = session.waitForEnd()
            session.expectRestored()
        }
    }
}
