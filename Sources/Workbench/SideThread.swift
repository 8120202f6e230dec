import Foundation

/// A thread beside the engine's for what takes long without a look at the mailbox. What it makes comes back as a command.
package final class SideThread: Sendable {
    private let jobs = Mailbox<(@Sendable () -> EngineCommand)?>()

    package init(prepare: @escaping @Sendable () -> Void, post: @escaping @Sendable (EngineCommand) -> Void) {
        let thread = Thread { [jobs] in
            prepare()
            while true {
                for job in jobs.wait() {
                    guard let job else { return }
                    post(job())
                }
            }
        }
        thread.stackSize = EngineThread.stackSize
        thread.name = "side"
        thread.start()
    }

    package func run(_ job: @escaping @Sendable () -> EngineCommand) { jobs.post(job) }

    /// After what it does now.
    package func end() { jobs.post(nil) }
}
