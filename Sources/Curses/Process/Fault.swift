import CNcurses
import Glibc

/// Faults on purpose, by which the tests see that every way to end leaves the terminal in order. MICA_FAULT in the environment names one.
package enum Fault: String, CaseIterable, Sendable {
    /// A failed precondition on the main thread.
    case trap
    /// An index out of range.
    case index
    /// A write to address 0.
    case null
    case abort
    /// The main thread's stack runs over.
    case overflow
    /// A failed precondition on another thread.
    case engineTrap = "engine-trap"
    /// The stack of a guarded thread runs over.
    case engineOverflow = "engine-overflow"
    /// The stack of a thread without `ThreadGuard` runs over: no handler can run.
    case threadOverflow = "thread-overflow"
    /// What the out-of-memory killer does.
    case kill
    /// The main thread hangs, and answers nothing.
    case hang
    /// A library writes to standard error, with an escape sequence in it.
    case noise

    /// Causes the fault that the environment asks for, if any.
    package static func triggerIfRequested() {
        guard let name = getenv("MICA_FAULT").map({ String(cString: $0) }), let fault = Fault(rawValue: name) else { return }
        // Once: a later call must find the program as it is.
        unsetenv("MICA_FAULT")
        fault.trigger()
    }

    package func trigger() {
        switch self {
        case .trap: fatalError("fault on request")
        case .index: print([1, 2][Int(getpid())])
        case .null: cn_write_null()
        case .abort: Glibc.abort()
        case .overflow: cn_overflow_stack()
        case .engineTrap: cn_run_on_thread { fatalError("fault on request, on another thread") }
        case .engineOverflow:
            cn_run_on_thread {
                ThreadGuard.install()
                cn_overflow_stack()
            }
        case .threadOverflow: cn_run_on_thread { cn_overflow_stack() }
        case .kill: Glibc.kill(getpid(), SIGKILL)
        case .hang: while true { pause() }
        case .noise: cn_write_noise()
        }
    }
}

/// Makes a thread's own stack overflow an orderly end: without it the handlers have no room to run on that thread.
package enum ThreadGuard {
    /// Call it on the thread itself, once, at its beginning.
    package static func install() {
        _ = cn_guard_thread()
    }
}
