import Foundation
import Synchronization

/// Ctrl-C: the first asks the work to end between two ops, so that unfinished files are removed; the second ends the process.
enum Interrupt {
    private static let flag = Atomic<Bool>(false)

    static var isPending: Bool { flag.load(ordering: .relaxed) }

    /// From here on somebody asks `check`.
    static func watch() {
        _ = isPending
        for number in [SIGINT, SIGTERM] {
            signal(number) { _ in
                if Interrupt.flag.exchange(true, ordering: .relaxed) { _exit(130) }
            }
        }
    }

    static func check() throws(Interrupted) { if isPending { throw Interrupted() } }
}

/// The user ended the work.
struct Interrupted: Error {}
