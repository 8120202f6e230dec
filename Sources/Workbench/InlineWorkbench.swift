import Engine
import Screen

/// A session with its engine in line instead of on a thread: when `send` returns, all that follows from the action has happened. Scripts
/// and tests drive it; session and engine are the ones of the workbench.
package struct InlineWorkbench {
    package var session: Session
    private var engine: EngineState
    private let events = Events()
    private var waiting: [Effect] = []

    /// What the engine told and the session has not heard yet.
    private final class Events {
        var list: [EngineEvent] = []
    }

    package init(_ session: Session, policy: Policy = Policy(threads: 1), budget: Int = 1 << 30) {
        self.session = session
        engine = EngineState(policy: policy, budget: budget) { [events] in events.list.append($0) }
    }

    package var isRunning: Bool { engine.isRunning }

    /// Does the action and runs at most `ops` ops of what it started; gives what the world outside has to do.
    @discardableResult
    package mutating func send(_ action: Action, ops: Int = .max) -> [Effect] {
        waiting += session.update(action)
        return settle(ops: ops)
    }

    /// Several things that happen before the engine has done what follows from the first.
    @discardableResult
    package mutating func send(burst actions: [Action]) -> [Effect] {
        for action in actions { waiting += session.update(action) }
        return settle()
    }

    /// Goes on with a run that `send` left unfinished.
    @discardableResult
    package mutating func settle(ops: Int = .max) -> [Effect] {
        var outside: [Effect] = []
        var left = ops
        repeat {
            while !waiting.isEmpty {
                if case .engine(let command) = waiting[0] { engine.handle(command) } else { outside.append(waiting[0]) }
                waiting.removeFirst()
                hear()
                // Commands are answered in order: one op asked for twice is two ops.
                if !waiting.isEmpty { run(&left) }
            }
            run(&left)
        } while !waiting.isEmpty
        return outside
    }

    private mutating func run(_ left: inout Int) {
        while engine.isRunning, left > 0 {
            var done = 0
            engine.advance {
                defer { done += 1 }
                return done >= min(left, 1 << 20)
            }
            left -= done
            hear()
        }
    }

    private mutating func hear() {
        let told = events.list
        events.list = []
        for event in told { waiting += session.update(.engine(event)) }
    }
}
