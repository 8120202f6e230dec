import CNcurses
import Screen

// Waiting: keys, wake-ups from other threads, signals, and frames that a slow link has delayed.
extension CursesTerminal {
    package func nextEvent(timeout: Duration?) -> InputEvent? {
        let deadline = timeout.map { ContinuousClock.now + $0 }
        while isOpen {
            if !events.isEmpty { return events.removeFirst() }
            if isGone { return .hangup }
            drawIfDue()
            handle(bits: Int(cn_wait(milliseconds(until: deadline), isParked ? 0 : 1)))
            if events.isEmpty, let deadline, deadline <= .now { return nil }
        }
        return .hangup
    }

    /// The time to wait: up to the deadline, the end of patience with an Escape, a delayed frame, or a look at who has the terminal.
    private func milliseconds(until deadline: ContinuousClock.Instant?) -> Int32 {
        let returning = isParked ? ContinuousClock.now + .seconds(1) : nil
        guard let earliest = [deadline, patience, due, returning].compactMap({ $0 }).min() else { return -1 }
        let left = (earliest - .now) / .milliseconds(1)
        return Int32(min(max(left.rounded(.up), 0), 1_000_000))
    }

    private func handle(bits: Int) {
        if bits & CN_TERMINATE != 0 { add(.terminate(signal: cn_terminate_signal())) }
        if bits & CN_STOP != 0 { suspend() }
        if bits & CN_CONTINUE != 0 || isParked { takeScreen() }
        if bits & CN_RESIZE != 0, !isParked, cn_resize() == 1 { sizeMayHaveChanged() }
        if bits & CN_INPUT != 0 { read() }
        if bits & CN_HANGUP != 0 { isGone = true }
        if bits & CN_WAKE != 0 { add(.wake) }
        if let patience, patience <= .now { take(decoder.flush()) }
    }

    /// Adds an event; of several resizes or wake-ups that wait one is enough.
    private func add(_ event: InputEvent) {
        switch event {
        case .wake where events.contains(.wake): return
        case .resize:
            events.removeAll { if case .resize = $0 { true } else { false } }
        default: break
        }
        events.append(event)
    }

    /// Reads all there is, so that a burst of keys is drawn once.
    private func read() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<64 {
            let count = Int(cn_read(&buffer, Int32(buffer.count)))
            if count < 0 { isGone = true }
            guard count > 0 else { break }
            take(decoder.feed(buffer.prefix(count)))
        }
    }

    private func take(_ results: [KeyDecoder.Result]) {
        // A paste may pause on its way; an Escape may not.
        patience = decoder.isWaiting ? .now + (decoder.isPasting ? .seconds(1) : escapeDelay) : nil
        for result in results {
            switch result {
            case .event(let event): add(event)
            case .report(.synchronizedUpdates(let supported)): showsUpdatesAtOnce = supported
            case .report(.background(let color)):
                background = color
                add(.wake)
            case .report(.identity): awaitsAnswers = false
            }
        }
    }

    /// Answers that come after the program has ended would be typed into the shell: they are awaited for a moment.
    func swallowAnswers() {
        let deadline = ContinuousClock.now + .milliseconds(100)
        var buffer = [UInt8](repeating: 0, count: 1024)
        while awaitsAnswers, deadline > .now, opened + .seconds(2) > .now {
            guard Int(cn_wait(milliseconds(until: deadline), 1)) & CN_INPUT != 0 else { continue }
            let count = Int(cn_read(&buffer, Int32(buffer.count)))
            guard count > 0 else { return }
            take(decoder.feed(buffer.prefix(count)))
        }
    }

    // MARK: Stopping and going on

    package func suspend() {
        guard isOpen, !isParked, !isGone else { return }
        cn_suspend()
        isParked = true
        takeScreen()
    }

    /// Takes the screen again, unless another job has the terminal now.
    private func takeScreen() {
        guard isOpen, cn_resume() == 1 else {
            isParked = true
            return
        }
        isParked = false
        sizeMayHaveChanged()
        forgetScreen()
        add(.resumed)
    }

    private func sizeMayHaveChanged() {
        let now = Size(Int(cn_columns()), Int(cn_rows()))
        guard now != size else { return }
        size = now
        forgetScreen()
        add(.resize(now))
    }
}
