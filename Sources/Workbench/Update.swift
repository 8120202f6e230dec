import Engine
import Models
import Screen

/// Something that happened.
package enum Action: Sendable {
    case input(InputEvent)
    case engine(EngineEvent)
    case command(String)
    /// Nothing came for a while in the middle of a key sequence: time to show what may follow.
    case pause
}

extension Session {
    /// Whether a key sequence has begun and nothing has been shown for it.
    package var waitsForKey: Bool { !pending.isEmpty && !showsNextKeys }

    /// The one way in which anything on the screen changes. What the screens then want to know is asked of the engine.
    package mutating func update(_ action: Action) -> [Effect] {
        var effects: [Effect]
        switch action {
        case .input(let event): effects = receive(event)
        case .engine(let event): effects = receive(event)
        case .command(let text):
            // A command from outside takes the place of a line being typed.
            (line, message) = (nil, nil)
            effects = enter(text)
        case .pause:
            showsNextKeys = !pending.isEmpty
            effects = []
        }
        if pending.isEmpty { showsNextKeys = false }
        return effects + ask()
    }

    private func requests() -> [Request] { Drawing.panes(self).flatMap { $0.pane.requests(self, $0.rect.inset(1, 1)) } }

    private mutating func ask() -> [Effect] {
        guard let run = snapshot?.run else { return [] }
        var wanted = requests()
        if case .lineage(let value, let index, _) = overlay { wanted.append(.lineage(value, index: index)) }
        if overlay == .adapter, adapter != nil { wanted.append(.adapterEffect) }
        if case .compared? = overlay { wanted += comparedElementRequests }
        if case .kernels(let value, let selection) = overlay, let name = kernelNames(value)[safe: selection] {
            wanted.append(.kernel(value, name: name))
        }
        let new = answers.unasked(wanted)
        return new.isEmpty ? [] : [.engine(.answer(new, run: run))]
    }

    // MARK: keys

    private mutating func receive(_ event: InputEvent) -> [Effect] {
        switch event {
        case .key(let key): return press(key)
        case .paste(let text):
            // Pasted text is never taken for commands.
            if line == nil { say("pasted text goes into a line: press : or / first, then paste", .warning) }
            line?.insert(text)
            return []
        case .resize(let new):
            size = new
            record("size \(new.width)x\(new.height)")
            return []
        case .resumed: return [.redraw]
        case .mouse(let mouse): return receive(mouse)
        case .hangup, .terminate: return [.quit]
        case .wake: return []
        }
    }

    /// Keys of the terminal and not of what is on the screen: no line and no box takes them.
    private static func terminalKey(_ key: Key) -> Effect? {
        switch key {
        case Key.control("z"): .suspend
        case Key.control("l"): .redraw
        default: nil
        }
    }

    private mutating func press(_ key: Key) -> [Effect] {
        if line != nil || overlay != nil, let effect = Session.terminalKey(key) { return [effect] }
        message = nil
        if line != nil { return edit(key) }
        if overlay != nil, let effects = overlayKey(key) {
            record("key \(key)")
            return effects
        }
        pending.append(key)
        if let mark = KeyMap.markLine(pending) {
            pending = []
            return enter(mark)
        }
        switch KeyMap.match(pending, on: page, own: ownBindings) {
        case .complete(let binding):
            pending = []
            return enter(binding.line)
        case .prefix: return []
        case .none: return unbound(key)
        }
    }

    /// After a prefix the second key is never swallowed: alone it may mean something.
    private mutating func unbound(_ key: Key) -> [Effect] {
        if KeyMap.startsMark(pending) { return [] }
        let wasSequence = pending.count > 1
        pending = []
        if wasSequence { return press(key) }
        say("\(key) is not bound here — ? help", .warning)
        return []
    }

    // MARK: the engine

    private mutating func receive(_ event: EngineEvent) -> [Effect] {
        switch event {
        case .opened(let opened): return begin(opened)
        case .snapshot(let new): receive(new)
        case .answered(let request, let answer, let run):
            answers.store(request, answer, run: run)
            keep(answer)
        case .stopped(let stop):
            busy = nil
            settle(stop)
        case .failed(let text):
            busy = nil
            recordFailure()
            say(text, .error)
        case .busy(let what): busy = what
        case .edits(let list): receive(list)
        case .quirks(let state): receive(state)
        case .formats(let report): receive(formats: report)
        case .scan(let state): receive(state)
        case .training(let progress): receive(progress)
        case .adapter(let state): receive(state)
        case .beforeAfter(let state): receive(state)
        case .compared(let state): receive(state)
        case .blame(let state): receive(state)
        case .kept(let state): receive(state)
        case .why(let report): receive(report)
        }
        return []
    }

    private mutating func begin(_ opened: Model) -> [Effect] {
        model = opened
        busy = nil
        snapshot = nil
        tree = ModelTree()
        place = Place()
        history = []
        // What a command that came too early was answered stays to be read.
        if let note = opened.notes.first { say(note, .info) }
        let prompt = pendingPrompt ?? DefaultPrompt.prompt(for: opened)
        pendingPrompt = nil
        return start(prompt)
    }

    /// Runs a prompt to the end.
    package mutating func start(_ prompt: Prompt) -> [Effect] {
        guard let model else { return [] }
        switch prompt {
        case .ids(let ids):
            promptText = ""
            return [.engine(.prompt(ids: ids)), .engine(.run(.end))]
        case .text(let text):
            guard let tokenizer = model.tokenizer else {
                say(model.tokenizerProblem ?? "there is no tokenizer", .error)
                return []
            }
            promptText = text
            return [.engine(.prompt(ids: tokenizer.encode(text).map { Int($0) })), .engine(.run(.end))]
        }
    }

    private mutating func receive(_ new: RunSnapshot) {
        let isOther = snapshot?.run != new.run
        let moved = isOther || snapshot?.walking.cursor != new.walking.cursor
        let isFirst = snapshot == nil
        let isLonger = snapshot?.stepper.program.values.count != new.stepper.program.values.count
        let selected = place.value.level == 0 ? selectedValue?.name : nil
        snapshot = new
        if isOther, let selected { keepSelected(selected, new) }
        if new.past == 0 { promptCount = new.ids.count }
        answers.begin(run: new.run)
        if moved { answers.forgetUses() }
        if !new.isRunning { answers.forgetFailures() }
        if tree.nodes.isEmpty || isOther || isLonger { rebuildTree(new) }
        if place.value.level > new.inner.count { place.value = ValueRef(level: new.inner.count, id: 0) }
        if isFirst, let last = LogitLens.streams(new.stepper.program).last { select(ValueRef(id: last), remember: false) }
        if moved, !new.isRunning, !isFirst { follow(new) }
        clampPlace()
    }

    /// A value keeps its name where the program is another; of a part that is no longer there its module stands in.
    private mutating func keepSelected(_ name: String, _ new: RunSnapshot) {
        var name = Substring(name)
        while new.stepper.program.id(of: String(name)) == nil, let dot = name.lastIndex(of: ".") { name = name[..<dot] }
        if let id = new.stepper.program.id(of: String(name)) { place.value = ValueRef(id: id) }
    }

    private mutating func rebuildTree(_ new: RunSnapshot) {
        let old = selectedValue?.name
        tree = ModelTree(new.stepper.program, keeping: tree.open)
        guard place.value.level == 0, let old, let id = new.stepper.program.id(of: old) else { return }
        place.value.id = id
    }

    /// After a step the selection stands on what it wrote, as a debugger shows the line.
    private mutating func follow(_ new: RunSnapshot) {
        let walking = new.walking
        guard walking.cursor > 0, !walking.isFinished || !new.inner.isEmpty else { return }
        select(ValueRef(level: new.inner.count, id: walking.program.steps[walking.cursor - 1].output), remember: false)
    }

    private mutating func settle(_ stop: Stop) {
        switch stop {
        case .finished: lastStop = nil
        case .reached: lastStop = nil
        case .interrupted: lastStop = "paused"
        case .breakpoint(let point, let id): lastStop = "breakpoint \(point.pattern) before \(name(id))"
        case .watchpoint(let point, let id, let index, let found):
            lastStop = "watchpoint \(point): \(name(id)) \(index) = \(Numbers.exact(found))"
            select(ValueRef(id: id), remember: true)
            moveCursor(to: index)
        }
        if let lastStop { say(lastStop, .warning) }
    }

    private func name(_ id: Int) -> String { snapshot?.stepper.program.values[safe: id]?.name ?? "" }
}

/// What a model is shown with when nobody gave a prompt.
package enum DefaultPrompt {
    /// The bundled fables answer it (see Samples/README.md); any model with a tokenizer can read it.
    package static let text = "When Mia and Tom went to the market, Tom gave a ring to"

    package static func prompt(for model: Model) -> Prompt {
        if model.tokenizer != nil { return .text(text) }
        return .ids(Array(0..<min(4, model.settings.vocabulary, model.settings.context)))
    }
}
