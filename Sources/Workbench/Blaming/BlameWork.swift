import Engine
import Models

/// What the screen asks of a blame.
package enum BlameRequest: Sendable {
    /// Both runs of the prompt, in these formats, and every op, kind or layer measured.
    case begin(low: Policy, high: Policy, by: Blamer.Grouping)
    /// Where the first bad number came from.
    case why
}

/// A blame as the screen knows it: it grows op by op.
package struct BlameState: Sendable {
    package let blame: Blame
    /// Of the low policy and of the high one.
    package let titles: [String]
    package let tokens: Int
    package let total: Int
    package var isRunning: Bool

    /// The value to which Enter goes.
    package let values: [String: String]
}

/// Where a bad number came from, or nil: every number is what it should be.
package struct WhyReport: Sendable {
    package let why: Why?
}

/// What the engine thread keeps of a blame on its way.
struct BlameWork {
    fileprivate(set) var blamer: Blamer
    fileprivate let titles: [String]
    fileprivate let tokens: Int

    func state(isRunning: Bool) -> BlameState {
        let units = blamer.low.units
        let values = Dictionary(blamer.blame.entries.map { ($0.name, units[$0.units[0]].name) }) { first, _ in first }
        return BlameState(
            blame: blamer.blame, titles: titles, tokens: tokens, total: blamer.total, isRunning: isRunning, values: values)
    }
}

extension EngineState {
    mutating func perform(_ request: BlameRequest, cancelled: () -> Bool) throws {
        switch request {
        case .begin(let low, let high, let grouping): try beginBlame([low, high], grouping, cancelled)
        case .why: try findWhy(cancelled)
        }
    }

    private mutating func beginBlame(_ policies: [Policy], _ grouping: Blamer.Grouping, _ cancelled: () -> Bool) throws {
        guard training == nil, let model = try shownModel(), let ids = passes.first?.promptTokens else {
            throw PromptError(rule: "blame is of a prompt's run; open a model, or leave the finetune")
        }
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
        let blamer = try Blamer(low: runs[0], high: runs[1], truth: truth, by: grouping)
        blaming = BlameWork(blamer: blamer, titles: policies.map(\.title), tokens: ids.count)
        tellBlame(isRunning: true)
    }

    /// Goes on until `interrupted`; what has been measured is told after each.
    mutating func advanceBlame(interrupted: () -> Bool) {
        guard var work = blaming else { return }
        blaming = nil
        do {
            while !work.blamer.isFinished {
                guard try work.blamer.step(interrupted: interrupted) else { break }
                emit(.blame(work.state(isRunning: !work.blamer.isFinished)))
            }
        } catch {
            emit(.blame(work.state(isRunning: false)))
            return emit(.failed("\(error)"))
        }
        if !work.blamer.isFinished { blaming = work }
    }

    private func tellBlame(isRunning: Bool) { if let blaming { emit(.blame(blaming.state(isRunning: isRunning))) } }

    /// What has been measured stays on the screen.
    mutating func stopBlame() {
        tellBlame(isRunning: false)
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
