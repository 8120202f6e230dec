import Screen
import Testing

extension RealTerminal {
    /// Sizes from one cell up, changes of size, and storms of them.
    @Suite(.serialized) struct Sizes {
        @Test(arguments: [
            Size(1, 1), Size(2, 2), Size(10, 3), Size(40, 10), Size(60, 16), Size(80, 24), Size(200, 60), Size(500, 200), Size(1, 40),
            Size(300, 1),
        ])
        func opens(_ size: Size) throws {
            let session = try TerminalSession(size: size)
            session.waitForStart()
            let isUp = session.screen.isSecondScreen
            #expect(isUp)
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("sizes that are none, or more than can be drawn", arguments: [Size(0, 0), Size(0, 24), Size(5000, 2000), Size(65535, 65535)])
        func odd(_ size: Size) throws {
            // The screen that is looked at is as large as the part that the program uses.
            let session = try TerminalSession(size: size.width < 1 ? Size(80, 24) : Size(1024, 512))
            session.terminal.resize(size)
            session.waitForStart()
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("each new size is drawn to its last row")
        func resizes() throws {
            let session = try TerminalSession()
            session.waitForStart()
            for size in [Size(100, 30), Size(120, 40), Size(60, 16), Size(1, 1), Size(250, 50), Size(80, 24)] {
                session.resize(size)
                session.settle(200)
                guard size.width > 1 else { continue }
                session.wait(for: "last row at \(size)") { $0.lines.last?.isEmpty == false }
            }
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }

        @Test("two thousand changes of size end in the last one")
        func storm() throws {
            let session = try TerminalSession()
            session.waitForStart()
            for index in 0..<2000 {
                session.terminal.resize(Size(1 + (index * 37) % 200, 1 + (index * 17) % 60))
                if index % 10 == 0 { session.pump(0) }
            }
            session.resize(Size(100, 30))
            session.settle(300)
            // What was drawn for other sizes is gone once all is repainted.
            session.type("\u{C}")
            session.wait(for: "last row") { $0.lines.last?.isEmpty == false }
            session.type("q")
            #expect(session.waitForEnd() == 0)
            session.expectRestored()
        }
    }
}
