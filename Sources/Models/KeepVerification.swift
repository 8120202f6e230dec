import Engine
import Tensors

extension KeepWithin {
    /// The policy that was found as it is read from its text, run from the beginning; nil if `interrupted`.
    package func verified(by model: Model, ids: [Int], interrupted: () -> Bool) throws -> (effect: Departure, holds: Bool)? {
        let rules = try Policy.rules(from: Policy(rules: rules).text)
        let policy = Policy(rules: rules, threads: mixture.low.policy.threads)
        var run = try model.stepper(ids: ids, loss: false, policy: policy, keep: .all(budget: .max))
        while !run.isFinished {
            if interrupted() { return nil }
            try run.step()
        }
        guard let logits = try run.program.id(of: "logits").flatMap({ try run.tensor($0) }) else {
            throw PolicyError("the run has no logits")
        }
        let effect = Departure(logits, from: truth)
        let isFinite = try tolerance.measure != .finite || Why.find(in: run).map { $0.kind == .growth } ?? true
        return (effect, tolerance.holds(effect, isFinite: isFinite))
    }
}
