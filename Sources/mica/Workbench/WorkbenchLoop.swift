import Curses
import Engine
import Foundation
import Screen
import Workbench

/// The main thread's loop: input and the engine's events go into the session, the session goes onto the terminal. Nothing here waits for
/// the engine, so a key is answered while it computes.
final class WorkbenchLoop {
    private var session: Session
    private let terminal: any Terminal
    private let engine: EngineThread
    private let events: Mailbox<EngineEvent>
    private let catalogue: ThemeCatalogue
    private var theme: Theme
    private var exitCode: Int32?
    private var needsDrawing = true

    init(session: Session, terminal: any Terminal, policy: Policy, budget: Int, catalogue: ThemeCatalogue) {
        self.session = session
        self.terminal = terminal
        self.catalogue = catalogue
        theme = (try? catalogue.theme(session.theme)) ?? ThemeCatalogue.fallback
        let wake = terminal.wake
        events = Mailbox { wake() }
        engine = EngineThread(policy: policy, budget: budget, events: events) { ThreadGuard.install() }
    }

    /// Opens the model and runs until the user quits; gives the exit code.
    func run(model: String, adapter: String, quirks: [String]) -> Int32 {
        session.busy = "opening \(model)"
        draw()
        Fault.triggerIfRequested()
        engine.post(.open(path: model, adapter: adapter, quirks: quirks))
        while exitCode == nil {
            receiveEngine()
            if needsDrawing { draw() }
            let patience: Duration? = session.waitsForKey ? .milliseconds(300) : nil
            guard let event = terminal.nextEvent(timeout: patience) else {
                update(.pause)
                continue
            }
            receive(event)
            // What else was typed meanwhile is handled before the next frame.
            for _ in 0..<64 where exitCode == nil {
                guard let next = terminal.nextEvent(timeout: .zero) else { break }
                receive(next)
            }
        }
        terminal.close()
        finishRecording()
        engine.stop(within: 2)
        return exitCode ?? 0
    }

    private func receive(_ event: InputEvent) {
        switch event {
        case .terminate(let signal): exitCode = 128 + signal
        case .hangup: exitCode = 128 + SIGHUP
        case .wake: break
        default: update(.input(event))
        }
    }

    /// Of several snapshots only the newest is shown.
    private func receiveEngine() {
        let all = events.take()
        let newest = all.lastIndex { if case .snapshot = $0 { true } else { false } }
        for (number, event) in all.enumerated() {
            if case .snapshot = event, number != newest { continue }
            update(.engine(event))
        }
    }

    private func update(_ action: Action) {
        needsDrawing = true
        for effect in session.update(action) { perform(effect) }
    }

    private func draw() {
        needsDrawing = false
        terminal.present(Drawing.draw(session), theme: theme)
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .engine(let command): engine.post(command)
        case .quit: exitCode = exitCode ?? 0
        case .suspend: terminal.suspend()
        case .redraw: terminal.invalidate()
        case .mouse(let on): terminal.setMouse(on)
        case .copy(let text): terminal.copy(text)
        case .theme(let name): setTheme(name)
        case .saveScreen(let path):
            save(path) { [session, theme] in ScreenFile.contents(of: Drawing.draw(session), theme: theme, path: path) }
        case .write(let text, let path): save(path) { text }
        }
    }

    private func setTheme(_ name: String) {
        do {
            theme = try catalogue.theme(name)
            terminal.invalidate()
        } catch { session.say("\(error)", .error) }
    }

    private func save(_ path: String, _ text: () -> String) {
        do {
            try Data(text().utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
            session.say("wrote \(path)")
        } catch { session.say("cannot write \(path): \(error.localizedDescription)", .error) }
    }

    /// A recording that was not ended is kept all the same.
    private func finishRecording() {
        guard session.recording != nil else { return }
        for case .write(let text, let path) in session.update(.command("record")) { save(path) { text } }
    }
}
