import Engine
import Models
import Tensors

/// What the screen asks about formats and kernels.
package enum PrecisionCommand: Sendable {
    /// These rules behind the others; a rule for the same values takes an earlier one's place.
    case add([Policy.Rule])
    /// Only these rules behind the model's own.
    case replace([Policy.Rule])
}

extension EngineState {
    /// The passes under another policy: what is downstream of a value whose format changed is computed again, everything else is kept.
    mutating func perform(_ command: PrecisionCommand, cancelled: () -> Bool) throws {
        var next = policy
        switch command {
        case .add(let rules): for rule in rules { next.add(live: rule) }
        case .replace(let rules): next.live = rules
        }
        guard !passes.isEmpty else {
            policy = next
            return
        }
        emit(.busy("computing again what follows; C-c stops"))
        guard let (new, steps) = try Generation.rerun(passes, whatIf.set, policy: next, interrupted: cancelled) else {
            throw EditError("stopped; nothing was changed")
        }
        let report = try EditReport(before: passes.map(\.stepper), after: new.map(\.stepper), steps: steps, watched: [])
        (policy, passes, inner, entered) = (next, new, [], [])
        run += 1
        emit(.formats(report))
        publish()
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
