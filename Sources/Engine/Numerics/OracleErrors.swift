import Tensors

/// The passes of one text in fp64; each reads the caches that the one before has there.
package struct OraclePasses: Sendable {
    private let oracles: [Oracle]

    /// As far as the run has come. Nil if `interrupted`.
    package init?(of passes: [Stepper], interrupted: () -> Bool = { false }) throws {
        var oracles: [Oracle] = []
        for run in passes {
            let given = oracles.last?.caches(for: run.program) ?? [:]
            guard let oracle = try Oracle(of: run, given: given, interrupted: interrupted) else { return nil }
            oracles.append(oracle)
        }
        self.oracles = oracles
    }

    /// How far every value of the last pass is from this one, whatever its formats: ‖x − x₆₄‖ / ‖x₆₄‖, by value; infinite where only one
    /// of the two is a number, and NaN where neither has any, since nothing is near to nothing. Nil if `interrupted`.
    package func errors(of run: Stepper, interrupted: () -> Bool = { false }) throws -> [Int: Double]? {
        guard let oracle = oracles.last else { return [:] }
        var relative: [Int: Double] = [:]
        for step in run.program.steps[..<run.cursor] {
            if interrupted() { return nil }
            guard let exact = oracle.tensor(step.output), let found = try run.tensor(step.output)?.doubles() else { continue }
            let error = ErrorSize(found, from: exact.doubles(), shape: exact.shape).relative
            relative[step.output] = error.isFinite && !found.contains(where: \.isFinite) ? .nan : error
        }
        return relative
    }
}

extension Oracle {
    /// What the pass of the next token reads of this one.
    fileprivate func caches(for next: Program) -> [Int: Tensor] {
        var given: [Int: Tensor] = [:]
        for id in program.caches {
            guard let past = next.id(of: program.values[id].name + ".past") else { continue }
            given[past] = tensor(id)
        }
        return given
    }
}

extension Program {
    /// Floating-point operations of the steps before a cursor, and the bytes that their values take in fp64.
    package func weight(before cursor: Int) -> (operations: Int, bytes: Int) {
        steps[..<min(cursor, steps.count)].reduce((0, 0)) { sum, step in
            let shape = values[step.output].shape
            return (sum.0 + step.op.cost(step.inputs.map { values[$0].shape }, output: shape), sum.1 + shape.elementCount * 8)
        }
    }
}
