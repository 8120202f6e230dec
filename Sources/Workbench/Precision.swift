import Engine
import Models
import Tensors

/// What the screen asks about formats and kernels.
package enum PrecisionCommand: Sendable {
    /// These rules behind the others; a rule for the same values takes an earlier one's place.
    case add([Policy.Rule])
    /// Only these rules behind the model's own.
    case replace([Policy.Rule])
    /// The same from a file of rules.
    case file(String)
}

extension EngineState {
    /// The passes under another policy: what is downstream of a value whose format changed is computed again, everything else is kept.
    mutating func perform(_ command: PrecisionCommand, cancelled: () -> Bool) throws {
        var next = policy
        switch command {
        case .add(let rules): for rule in rules { next.add(live: rule) }
        case .replace(let rules): next.live = rules
        case .file(let path): next.live = try Policy(named: path, threads: policy.threads).rules
        }
        guard !passes.isEmpty else {
            policy = next
            return
        }
        emit(.busy("computing again what follows; C-c stops"))
        var told = ContinuousClock.now
        let other = try Generation.rerun(passes, whatIf.set, policy: next, interrupted: cancelled) { partial in
            guard ContinuousClock.now - told > EngineState.patience else { return }
            publish(partial: partial)
            told = .now
        }
        guard let (new, steps) = other else { throw EditError("stopped; nothing was changed") }
        let before = passes
        (policy, passes, inner, entered) = (next, new, [], [])
        run += 1
        keepExact(from: run - 1)
        publish()
        emit(.formats(try EditReport(before: before.map(\.stepper), after: new.map(\.stepper), steps: steps, watched: [])))
    }

    /// How long the screen waits for the next numbers of a run that is computed again.
    static let patience = Duration.milliseconds(40)

    /// The last pass while it is computed again, under the number that the run will have: what is asked of it is answered when it is done.
    private func publish(partial stepper: Stepper) {
        guard let pass = passes.last else { return }
        emit(
            .snapshot(
                RunSnapshot(run: run + 1, stepper: stepper, inner: [], entered: [], ids: pass.ids, past: pass.past, isRunning: true)))
    }
}

extension Policy {
    /// A rule that says the same of the same values takes the earlier one's place.
    fileprivate mutating func add(live rule: Rule) {
        live.removeAll { $0.selector == rule.selector && $0.isCovered(by: rule) }
        live.append(rule)
    }
}

extension Policy.Rule {
    fileprivate func isCovered(by other: Policy.Rule) -> Bool {
        (format == nil || other.format != nil) && (inputs == nil || other.inputs != nil)
            && (accumulation == nil || other.accumulation != nil) && (kernel == nil || other.kernel != nil)
    }
}
