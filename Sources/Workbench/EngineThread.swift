import Engine
import Foundation
import Synchronization

/// The engine's own thread: it owns the state and talks through two mailboxes. Between two ops it looks whether anything waits, so a
/// question is answered in the middle of a run.
package final class EngineThread: Sendable {
    private let commands = Mailbox<EngineCommand>()
    private let cancelled = Atomic<Bool>(false)
    private let hasEnded = DispatchSemaphore(value: 0)
    /// Expansions and deep programs recurse; the default of a secondary thread is small.
    static let stackSize = 64 << 20

    /// `prepare` runs first on the new thread (its signal stack); `notify` is called when `events` has something new.
    package init(
        policy: Policy, budget: Int, events: Mailbox<EngineEvent>, prepare: @escaping @Sendable () -> Void = {}
    ) {
        let thread = Thread { [self] in
            prepare()
            let side = SideThread(prepare: prepare) { [commands] in commands.post($0) }
            loop(EngineState(policy: policy, budget: budget, sideThread: side) { events.post($0) })
            side.end()
            hasEnded.signal()
        }
        thread.stackSize = EngineThread.stackSize
        thread.name = "engine"
        thread.start()
    }

    package func post(_ command: EngineCommand) {
        if case .cancel = command { cancelled.store(true, ordering: .releasing) }
        if case .quit = command { cancelled.store(true, ordering: .releasing) }
        commands.post(command)
    }

    /// Asks the thread to end and waits for at most so long.
    package func stop(within seconds: Double) {
        post(.quit)
        _ = hasEnded.wait(timeout: .now() + seconds)
    }

    private func loop(_ initial: EngineState) {
        var state = initial
        while true {
            for command in state.isRunning ? commands.take() : commands.wait() {
                if case .quit = command { return state.end() }
                if case .cancel = command { cancelled.store(false, ordering: .releasing) }
                state.handle(command) { self.cancelled.load(ordering: .acquiring) }
            }
            let slice = ContinuousClock.now + .milliseconds(40)
            state.advance { !commands.isEmpty || ContinuousClock.now > slice }
        }
    }
}
