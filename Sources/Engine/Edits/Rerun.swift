import Tensors

/// A run with other edits than before.
package struct Rerun: Sendable {
    package let stepper: Stepper
    /// Steps that ran again, in order: those downstream of a changed edit, up to the cursor.
    package let steps: [Int]
    /// Every value that may have changed.
    package let changed: Set<Int>
}

/// How many of the steps that run again have.
package struct Renewal: Sendable, Hashable {
    package let done: Int
    package let total: Int

    package init(done: Int, total: Int) { (self.done, self.total) = (done, total) }
}

extension Stepper {
    /// The format in which a value is kept.
    package func format(of id: Int) -> NumberFormat {
        let value = program.values[id]
        return value.step.map { choices[$0].format } ?? policy.choice(for: value, op: nil).format
    }

    /// Whether a live rule has changed how a value is made or kept.
    package func isOwnChoice(_ id: Int) -> Bool {
        guard !policy.live.isEmpty else { return true }
        let value = program.values[id]
        return value.step.map { choices[$0].isOwn } ?? policy.choice(for: value, op: nil).isOwn
    }

    /// The same run under other edits or another policy (and, for a pass with a cache, other bindings): what lies downstream of a change is computed again up
    /// to the cursor, everything else is kept. Going back gives the same bits. `progress` sees the run after every step, with what is still to come
    /// forgotten. Nil if `interrupted`; this run is not touched.
    package func rerun(
        _ set: EditSet, policy: Policy? = nil, text: TextWindow? = nil, bindings: [Int: Tensor] = [:], interrupted: () -> Bool = { false },
        progress: (Stepper, Renewal) -> Void = { _, _ in }
    ) throws -> Rerun? {
        var next = self
        if let policy { try next.take(policy) }
        next.edits = try EditPlan(set, for: self, text: text ?? edits.text) { try self.withoutEdits().computed($0) }
        var dirty = Set<Int>()
        for (id, value) in program.values.enumerated() where value.step == nil {
            let isOther = edits.changes[id] != next.edits.changes[id] || format(of: id) != next.format(of: id)
            guard bindings[id] != nil || isOther else { continue }
            try next.bind(id, bindings[id] ?? originals[id] ?? next.value(id))
            dirty.insert(id)
        }
        let steps = downstream(&dirty, of: next)
        for number in steps { next.recording.forget(program.steps[number].output) }
        for (done, number) in steps.enumerated() {
            if interrupted() { return nil }
            try next.renew(number)
            progress(next, Renewal(done: done + 1, total: steps.count))
        }
        return Rerun(stepper: next, steps: steps, changed: dirty)
    }

    /// Where the pass lies in its text: edits name tokens by their place there.
    package mutating func lie(in text: TextWindow) { edits.text = text }

    private mutating func take(_ policy: Policy) throws(BindingError) {
        try policy.check(program)
        self.policy = policy
        choices = policy.choices(for: program)
    }

    /// Steps before the cursor that have to run again if plan and policy become those of `next`; their values join `dirty`.
    private func downstream(_ dirty: inout Set<Int>, of next: Stepper) -> [Int] {
        let other = next.edits
        var steps: [Int] = []
        for (number, step) in program.steps[..<cursor].enumerated() {
            let isOther =
                !choices[number].isSame(as: next.choices[number]) || edits.changes[step.output] != other.changes[step.output]
                || edits.substitutes[number]?.reason != other.substitutes[number]?.reason
                || [edits.producers[number], other.producers[number]].contains { value in
                    value.map { dirty.contains($0) || edits.changes[$0] != other.changes[$0] } ?? false
                }
            guard isOther || step.inputs.contains(where: dirty.contains) else { continue }
            dirty.insert(step.output)
            steps.append(number)
        }
        return steps
    }

    /// This run as it would be without any edit, up to the same cursor.
    private func withoutEdits() throws -> Stepper {
        guard !edits.isEmpty, let plain = try rerun(EditSet()) else { return self }
        return plain.stepper
    }

    /// A value, running on to it if need be.
    private func computed(_ id: Int) throws -> Tensor {
        var runner = self
        while !runner.isComputed(id), !runner.isFinished { try runner.step() }
        return try runner.value(id)
    }
}
