import Tensors

extension Stepper {
    /// The same run over a program with the same names, some of whose ops are others (`Graph.rewrite`), and with other inputs: what lies
    /// downstream of a difference is computed again up to the cursor, everything else is kept. Going back gives the same bits. Nil if
    /// `interrupted`; this run is not touched.
    package func switched(
        to other: Program, bindings: [Int: Tensor] = [:], interrupted: () -> Bool = { false }
    ) throws -> Rerun? {
        guard edits.isEmpty else { return try switchedUnderEdits(to: other, bindings, interrupted) }
        var next = try over(other, bindings)
        var dirty = Set(bindings.keys)
        var steps: [Int] = []
        for (number, step) in program.steps[..<cursor].enumerated()
        where program.marks[step.output] != other.marks[step.output] || step.inputs.contains(where: dirty.contains) {
            dirty.insert(step.output)
            steps.append(number)
        }
        for number in steps { next.recording.forget(program.steps[number].output) }
        for number in steps {
            if interrupted() { return nil }
            try next.renew(number)
        }
        return Rerun(stepper: next, steps: steps, changed: dirty)
    }

    /// Edits are of the run without them: they are taken off, the ops are switched, and they are made again.
    private func switchedUnderEdits(
        to other: Program, _ bindings: [Int: Tensor], _ interrupted: () -> Bool
    ) throws -> Rerun? {
        guard let plain = try rerun(EditSet(), interrupted: interrupted),
            let switched = try plain.stepper.switched(to: other, bindings: bindings, interrupted: interrupted),
            let again = try switched.stepper.rerun(edits.list, interrupted: interrupted)
        else { return nil }
        let changed = plain.changed.union(switched.changed).union(again.changed)
        return Rerun(
            stepper: again.stepper, steps: Set(plain.steps + switched.steps + again.steps).sorted(), changed: changed)
    }
}
