import Engine
import Models

/// What the engine thread keeps of a blame on its way.
struct BlameWork {
    fileprivate enum Stage {
        case ops(Blamer)
        case keep(KeepWithin)
    }

    fileprivate var stage: Stage
    fileprivate let titles: [String]
    fileprivate let model: Model
    fileprivate let ids: [Int]
    fileprivate var verified: (effect: Departure, holds: Bool)?

    fileprivate var isFinished: Bool {
        switch stage {
        case .ops(let blamer): blamer.isFinished
        case .keep(let search): search.isFinished && verified != nil
        }
    }

    /// One more measurement; false if `interrupted`.
    fileprivate mutating func step(interrupted: () -> Bool) throws -> Bool {
        switch stage {
        case .ops(var blamer):
            defer { stage = .ops(blamer) }
            return try blamer.step(interrupted: interrupted)
        case .keep(var search):
            if search.isFinished {
                verified = try search.verified(by: model, ids: ids, interrupted: interrupted)
                return verified != nil
            }
            defer { stage = .keep(search) }
            return try search.step(interrupted: interrupted)
        }
    }

    fileprivate func event(isRunning: Bool) -> EngineEvent {
        switch stage {
        case .ops(let blamer): .blame(state(blamer, isRunning))
        case .keep(let search): .kept(state(search, isRunning))
        }
    }

    private func state(_ blamer: Blamer, _ isRunning: Bool) -> BlameState {
        let units = blamer.low.units
        let values = Dictionary(blamer.blame.entries.map { ($0.name, units[$0.units[0]].name) }) { first, _ in first }
        return BlameState(
            blame: blamer.blame, titles: titles, tokens: ids.count, total: blamer.total, isRunning: isRunning, values: values)
    }

    private func state(_ search: KeepWithin, _ isRunning: Bool) -> KeepState {
        KeepState(
            tolerance: search.tolerance, titles: titles, tokens: ids.count, done: search.done, total: search.total, trials: search.trials,
            isRunning: isRunning, isCutShort: search.isCutShort || !isRunning && !search.isFinished,
            kept: search.kept.map { search.mixture.units[$0] }, effect: search.effect, verified: verified?.effect,
            holds: verified?.holds == true, rules: search.rules,
            text: search.text(titles: titles, tokens: ids.count, of: model.path))
    }
}

extension EngineState {
    mutating func perform(_ request: BlameRequest, cancelled: () -> Bool) throws {
        switch request {
        case .begin(let low, let high, let grouping):
            try begin(low, high, cancelled) { .ops(try Blamer(low: $0, high: $1, truth: $2, by: grouping)) }
        case .keep(let tolerance, let low, let high):
            try begin(low, high, cancelled) { .keep(try KeepWithin(low: $0, high: $1, truth: $2, tolerance: tolerance)) }
        case .why: try findWhy(cancelled)
        }
    }

    /// Both runs and the oracle, and what is measured between them.
    private mutating func begin(
        _ low: String?, _ high: String?, _ cancelled: () -> Bool, _ stage: (Stepper, Stepper, Truth) throws -> BlameWork.Stage
    ) throws {
        guard training == nil, let model = try shownModel(), let ids = passes.first?.promptTokens else {
            throw PromptError(rule: "blame is of a prompt's run; open a model, or leave the finetune")
        }
        let policies = try blamed(low, high)
        emit(.busy("running both and the oracle in fp64; C-c stops"))
        var runs: [Stepper] = []
        for policy in policies {
            var run = try model.stepper(ids: ids, loss: false, policy: policy, keep: .all(budget: .max))
            while !run.isFinished {
                if cancelled() { throw PromptError(rule: "stopped") }
                try run.step()
            }
            runs.append(run)
        }
        guard let truth = try Oracle(of: runs[1], interrupted: cancelled).flatMap({ Truth($0) }) else { throw PromptError(rule: "stopped") }
        let work = BlameWork(stage: try stage(runs[0], runs[1], truth), titles: policies.map(\.title), model: model, ids: ids)
        blaming = work
        emit(work.event(isRunning: true))
    }

    /// The run's own formats, or bf16 where they are fp32, against fp32; fp32 itself against fp64.
    private func blamed(_ low: String?, _ high: String?) throws -> [Policy] {
        var own = policy
        (own.rules, own.live) = (own.rules + own.live, [])
        let isPlain = own.rules.isEmpty
        let narrow = try low.map { try Policy(named: $0, threads: own.threads) } ?? (isPlain ? Policy(.bf16, threads: own.threads) : own)
        let wide = high ?? (narrow.rules.isEmpty ? "fp64" : "fp32")
        return [narrow, try Policy(named: wide, threads: own.threads)]
    }

    /// Goes on until `interrupted`; what has been measured is told after each.
    mutating func advanceBlame(interrupted: () -> Bool) {
        guard var work = blaming else { return }
        blaming = nil
        do {
            while !work.isFinished {
                guard try work.step(interrupted: interrupted) else { break }
                emit(work.event(isRunning: !work.isFinished))
            }
        } catch {
            emit(work.event(isRunning: false))
            return emit(.failed("\(error)"))
        }
        if !work.isFinished { blaming = work }
    }

    /// What has been measured stays on the screen.
    mutating func stopBlame() {
        if let blaming { emit(blaming.event(isRunning: false)) }
        blaming = nil
    }

    /// Against the model as it is meant: without quirks, edits and live rules, with the weights of its file.
    private mutating func findWhy(_ cancelled: () -> Bool) throws {
        guard let pass = passes.last else { throw PromptError(rule: "nothing runs yet") }
        emit(.busy("looking for the first bad number; C-c stops"))
        let why = try Why.find(in: pass.stepper, trusted: trustedRun(pass, cancelled), interrupted: cancelled)
        if cancelled() { throw PromptError(rule: "stopped") }
        emit(.why(WhyReport(why: why)))
    }

    /// Of the same tokens. Nil for a pass behind a cache, whose earlier tokens are not looked at again.
    private mutating func trustedRun(_ pass: Generation, _ cancelled: () -> Bool) throws -> Stepper? {
        guard pass.past == 0, let model = try shownModel() else { return nil }
        var own = policy
        own.live = []
        let clean = try model.with(quirks: [])
        var run = try Generation(model: clean, prompt: pass.ids, policy: own, keep: .all(budget: budget)).stepper
        while run.cursor < min(pass.stepper.cursor, run.program.forwardCount) {
            if cancelled() { throw PromptError(rule: "stopped") }
            try run.step()
        }
        return run
    }
}

extension Generation {
    /// What the pass reads.
    fileprivate var promptTokens: [Int] { Array(ids.prefix(stepper.tokenCount)) }
}
