import Dispatch
import Synchronization

/// What one thread leaves for another: a mutex around an array. The reader is woken by `notify` (a pipe, for the thread that also polls
/// the keyboard) or waits here.
package final class Mailbox<Message: Sendable>: Sendable {
    private let messages = Mutex<[Message]>([])
    private let arrived = DispatchSemaphore(value: 0)
    private let notify: @Sendable () -> Void

    package init(notify: @escaping @Sendable () -> Void = {}) { self.notify = notify }

    package func post(_ message: Message) {
        messages.withLock { $0.append(message) }
        arrived.signal()
        notify()
    }

    /// Everything that lies there, in order.
    package func take() -> [Message] {
        messages.withLock { all in
            defer { all = [] }
            return all
        }
    }

    /// Waits until something lies there.
    package func wait() -> [Message] {
        while true {
            let all = take()
            if !all.isEmpty { return all }
            arrived.wait()
        }
    }

    package var isEmpty: Bool { messages.withLock(\.isEmpty) }
}
