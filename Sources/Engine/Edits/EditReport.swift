import RealModule
import Tensors

/// What edits changed between two states of a run.
package struct EditReport: Sendable {
    /// A token with its probability before and after.
    package struct Token: Sendable, Hashable {
        package let id: Int
        package let before: Double
        package let after: Double
    }

    /// How far a value moved.
    package struct Change: Sendable, Hashable {
        package let name: String
        /// The largest |Δ| and where it is; elements that are equal infinities differ by 0.
        package let maximum: Double
        package let index: [Int]
        /// √Σ Δ²
        package let norm: Double
    }

    package let lossBefore: Double?
    package let lossAfter: Double?
    /// The likeliest next tokens before and after, those that are likeliest after first; empty before the logits.
    package let tokens: [Token]
    package let changes: [Change]
    /// Steps that ran again, of so many.
    package let steps: Int
    package let total: Int

    /// Compares the first pass' loss, the last pass' next tokens and the watched values of the last pass.
    package init(before: [Stepper], after: [Stepper], steps: Int, watched: [String], count: Int = 5) throws {
        lossBefore = try EditReport.loss(before.first)
        lossAfter = try EditReport.loss(after.first)
        let (old, new) = (try EditReport.probabilities(before.last), try EditReport.probabilities(after.last))
        var ids: [Int] = []
        for id in EditReport.largest(new, count) + EditReport.largest(old, count) where !ids.contains(id) { ids.append(id) }
        tokens = old.isEmpty || new.isEmpty ? [] : ids.map { Token(id: $0, before: old[$0], after: new[$0]) }
        changes = try watched.compactMap { try EditReport.change($0, before.last, after.last) }
        self.steps = steps
        total = after.reduce(0) { $0 + $1.program.steps.count }
    }

    private static func loss(_ stepper: Stepper?) throws -> Double? {
        guard let stepper, let id = stepper.program.id(of: "loss") else { return nil }
        return try stepper.tensor(id)?.floats().first.map(Double.init)
    }

    /// Softmax of the last token's logits.
    private static func probabilities(_ stepper: Stepper?) throws -> [Double] {
        guard let logits = try stepper?.lastLogits() else { return [] }
        let top = Double(logits.max() ?? 0)
        let exps = logits.map { Double.exp(Double($0) - top) }
        let sum = exps.reduce(0, +)
        return exps.map { $0 / sum }
    }

    private static func largest(_ values: [Double], _ count: Int) -> [Int] {
        Array(values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }.prefix(count))
    }

    private static func change(_ name: String, _ before: Stepper?, _ after: Stepper?) throws -> Change? {
        guard let old = try before?.program.id(of: name).flatMap({ try before?.tensor($0) }),
            let new = try after?.program.id(of: name).flatMap({ try after?.tensor($0) }),
            old.shape.counts == new.shape.counts
        else { return nil }
        let differences = zip(new.floats(), old.floats()).map { $0 == $1 ? 0 : abs(Double($0) - Double($1)) }
        let at = differences.indices.max { differences[$0] < differences[$1] } ?? 0
        return Change(
            name: name, maximum: differences.first == nil ? 0 : differences[at], index: new.shape.index(at: at),
            norm: differences.reduce(0) { $0 + $1 * $1 }.squareRoot())
    }
}

extension Stepper {
    /// The logits after the last token [vocabulary]; nil before the pass has reached them.
    package func lastLogits() throws -> [Float]? {
        guard let id = program.id(of: "logits"), let logits = try tensor(id), logits.shape[0] > 0 else { return nil }
        return logits[logits.shape[0] - 1].floats()
    }
}
