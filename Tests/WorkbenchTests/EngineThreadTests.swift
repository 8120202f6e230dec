import Engine
import Foundation
import Screen
import Testing
import Workbench

/// The engine on its own thread: questions in the middle of a run, cancelling, ending.
@Suite(.serialized) struct EngineThreadTests {
    /// An engine with a run of many tokens on its way.
    private final class Running {
        let events = Mailbox<EngineEvent>()
        let engine: EngineThread
        private(set) var seen: [EngineEvent] = []
        private var waiting: [EngineEvent] = []

        /// With a slow kernel here and there, so that no machine is done before it is asked.
        init() {
            let slow = Policy.Rule(pattern: NamePattern("*.mlp.gate_proj"), kernel: "reference")
            engine = EngineThread(policy: Policy(rules: [slow], threads: 1), budget: 1 << 30, events: events)
            engine.post(.open(path: Harness.Sample.llama.path))
            engine.post(.prompt(ids: (0..<120).map { $0 * 7 % 2000 }))
        }

        /// Takes events until one fits, or time is up.
        func wait(seconds: Double = 30, for fits: (EngineEvent) -> Bool) -> Bool {
            let end = ContinuousClock.now + .seconds(seconds)
            while ContinuousClock.now < end {
                waiting += events.take()
                while !waiting.isEmpty {
                    seen.append(waiting.removeFirst())
                    if let event = seen.last, fits(event) { return true }
                }
                Thread.sleep(forTimeInterval: 0.001)
            }
            return false
        }

        var last: RunSnapshot? {
            for case .snapshot(let snapshot) in seen.reversed() { return snapshot }
            return nil
        }
    }

    private static func isMoving(_ event: EngineEvent) -> Bool {
        if case .snapshot(let snapshot) = event { snapshot.isRunning && snapshot.stepper.cursor > 0 } else { false }
    }

    private static func isStopped(_ event: EngineEvent) -> Bool { if case .stopped = event { true } else { false } }

    @Test func questionsAreAnsweredWhileItRuns() {
        let running = Running()
        running.engine.post(.run(.end))
        #expect(running.wait { Self.isMoving($0) })
        running.engine.post(.answer([.detail(ValueRef(id: 0), bins: 8)], run: 1))
        #expect(running.wait { if case .answered = $0 { true } else { false } })
        #expect(!running.seen.contains { Self.isStopped($0) })
        #expect(running.wait { Self.isStopped($0) })
        #expect(running.wait { if case .snapshot(let snapshot) = $0 { snapshot.stepper.isFinished } else { false } })
        running.engine.stop(within: 10)
    }

    /// The pass that a next token must finish first can be called off like any other run.
    @Test func cancelStopsTheNextTokenToo() {
        let events = Mailbox<EngineEvent>()
        var state = EngineState(policy: Policy(threads: 1), budget: 1 << 30) { events.post($0) }
        state.handle(.open(path: Harness.Sample.llama.path))
        state.handle(.prompt(ids: [1, 2, 3]))
        var asked = 0
        state.handle(.nextToken) {
            asked += 1
            return asked > 5
        }
        let seen = events.take()
        #expect(seen.contains { if case .stopped(.interrupted) = $0 { true } else { false } })
        guard case .snapshot(let snapshot)? = seen.last else { return #expect(Bool(false), "no snapshot at the end") }
        #expect(snapshot.ids.count == 3 && snapshot.stepper.cursor == 5)
    }

    @Test func cancelStopsBetweenTwoOps() {
        let running = Running()
        running.engine.post(.run(.end))
        #expect(running.wait { Self.isMoving($0) })
        running.engine.post(.cancel)
        #expect(running.wait { if case .stopped(.interrupted) = $0 { true } else { false } })
        #expect(
            running.wait { if case .snapshot(let snapshot) = $0 { !snapshot.isRunning && !snapshot.stepper.isFinished } else { false } })
        running.engine.stop(within: 10)
    }

    @Test func quitJoinsInTheMiddleOfARun() {
        let running = Running()
        running.engine.post(.run(.end))
        #expect(running.wait { Self.isMoving($0) })
        let start = ContinuousClock.now
        running.engine.stop(within: 20)
        #expect(ContinuousClock.now - start < .seconds(10))
        _ = running.events.take()
        running.engine.post(.run(.end))
        Thread.sleep(forTimeInterval: 0.05)
        #expect(running.events.take().isEmpty)
    }

    /// Steps that lie in the mailbox together are all taken.
    @Test func fiveStepsAreFive() {
        let running = Running()
        for _ in 0..<5 { running.engine.post(.run(.step)) }
        #expect(
            running.wait { if case .snapshot(let snapshot) = $0 { !snapshot.isRunning && snapshot.stepper.cursor == 5 } else { false } })
        for _ in 0..<2 { running.engine.post(.stepBack) }
        #expect(running.wait { if case .snapshot(let snapshot) = $0 { snapshot.stepper.cursor == 3 } else { false } })
        running.engine.stop(within: 10)
    }

    /// A state of the sample with a run behind it and a side thread that waits for the gate.
    private static func comparing(_ events: Mailbox<EngineEvent>, _ back: Mailbox<EngineCommand>, _ gate: DispatchSemaphore) throws
        -> EngineState
    {
        let side = SideThread(prepare: { gate.wait() }, post: { back.post($0) })
        var state = EngineState(policy: Policy(threads: 1), budget: 1 << 30, sideThread: side) { events.post($0) }
        state.handle(.open(path: Harness.Sample.llama.path))
        state.handle(.prompt(ids: [1, 2, 3]))
        state.handle(.run(.end))
        while state.isRunning { state.advance { false } }
        state.handle(.compare(.against(try CompareVariant(["policy", "bf16"]))))
        state.advance { false }
        _ = events.take()
        return state
    }

    private static func lines(_ events: [EngineEvent]) -> [CompareState.Line] {
        for case .compared(let state) in events.reversed() { return state.lines }
        return []
    }

    /// However long the side thread is at a value, what is asked meanwhile is answered, and what comes back goes on to the end.
    @Test func aLongValueOfAComparisonHoldsUpNoAnswer() throws {
        let (events, back, gate) = (Mailbox<EngineEvent>(), Mailbox<EngineCommand>(), DispatchSemaphore(value: 0))
        var state = try Self.comparing(events, back, gate)
        #expect(!state.isRunning)
        state.handle(.answer([.detail(ValueRef(id: 0), bins: 8)], run: 1))
        #expect(events.take().contains { if case .answered = $0 { true } else { false } })
        gate.signal()
        var told: [EngineEvent] = []
        repeat {
            for command in back.wait() { state.handle(command) }
            told += events.take()
            if state.isRunning { state.advance { false } }
        } while Self.lines(told).contains { $0.isRunning || $0.isJudging }
        let line = try #require(Self.lines(told).first)
        #expect(line.comparison.rows.count == line.total && line.verdicts.firstBug == nil && !line.verdicts.entries.isEmpty)
        var inline = Harness.open(ids: [1, 2, 3])
        inline.command("compare policy bf16")
        let same = try #require(inline.session.compared.lines.first)
        #expect(line.comparison.rows.map(\.nmse) == same.comparison.rows.map(\.nmse))
        #expect(line.verdicts.entries.map(\.verdict.factor) == same.verdicts.entries.map(\.verdict.factor))
    }

    /// What was stopped or dropped while the side thread had it is not taken back, and the next line is worked at all the same.
    @Test(arguments: [true, false]) func whatWasStoppedMeanwhileIsNotTaken(_ drops: Bool) throws {
        let (events, back, gate) = (Mailbox<EngineEvent>(), Mailbox<EngineCommand>(), DispatchSemaphore(value: 0))
        var state = try Self.comparing(events, back, gate)
        state.handle(drops ? .compare(.drop(0)) : .cancel)
        #expect(Self.lines(events.take()).map(\.isRunning) == (drops ? [] : [false]))
        gate.signal()
        for command in back.wait() { state.handle(command) }
        #expect(events.take().isEmpty && !state.isRunning)
        state.handle(.compare(.against(try CompareVariant(["policy", "fp16"]))))
        #expect(state.isRunning)
        state.advance { false }
        for command in back.wait() { state.handle(command) }
        #expect(Self.lines(events.take()).last?.comparison.rows.isEmpty == false)
    }

    @Test func mailboxesKeepOrderAndWake() {
        let box = Mailbox<Int>()
        let count = 2000
        let thread = Thread { for number in 0..<count { box.post(number) } }
        thread.start()
        var got: [Int] = []
        while got.count < count { got += box.wait() }
        #expect(got == Array(0..<count))
        #expect(box.isEmpty)
    }
}
