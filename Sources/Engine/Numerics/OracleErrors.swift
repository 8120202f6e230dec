import Tensors

/// How far every value of a run is from the same run in fp64: ‖x − x₆₄‖ / ‖x₆₄‖, by value.
package struct OracleErrors: Sendable {
    package let relative: [Int: Double]

    /// Of the last of the passes of one text; each reads the caches that the one before has in fp64. Nil if `interrupted`.
    package init?(of passes: [Stepper], interrupted: () -> Bool = { false }) throws {
        var before: Oracle?
        for run in passes {
            guard let oracle = try Oracle(of: run, given: before?.caches(for: run.program) ?? [:], interrupted: interrupted) else {
                return nil
            }
            before = oracle
        }
        guard let run = passes.last, let oracle = before else { return nil }
        var relative: [Int: Double] = [:]
        for step in run.program.steps[..<run.cursor] {
            if interrupted() { return nil }
            guard let exact = oracle.tensor(step.output), let found = try run.tensor(step.output) else { continue }
            relative[step.output] = ErrorSize(found.doubles(), from: exact.doubles(), shape: exact.shape).relative
        }
        self.relative = relative
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
