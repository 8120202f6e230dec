import Tensors

extension Stepper {
    /// This run under another program, with other ops or other weights: a value stays as it is where its name, its op and all that it was
    /// computed from are the same; the rest is computed again, as far as this run has come. Going back to the first program gives the same
    /// bits. Edits stay. `progress` sees the other run after every step that is computed, unless there are edits. Nil if `interrupted`; this
    /// run is not touched.
    package func carried(
        to other: Program, bindings: [Int: Tensor], interrupted: () -> Bool = { false }, progress: (Stepper) -> Void = { _ in }
    ) throws -> (stepper: Stepper, steps: Set<Int>)? {
        guard edits.isEmpty else { return try carriedWithEdits(to: other, bindings, interrupted) }
        var same = sameLeaves(other, bindings)
        let rounded = same.mapValues { recording.tensors[$0] }.compactMapValues { $0 }
        var next = try Stepper(other, policy: policy, keep: recording.keep, bindings: bindings, rounded: rounded)
        next.lie(in: edits.text)
        var steps = Set<Int>()
        while let id = next.next {
            let old = program.id(of: other.values[id].name)
            if let old, !isComputed(old) { break }
            if let old, isSame(other.steps[next.cursor], old, same) {
                same[id] = old
                next.adopt(recording.tensors[old], recording.known(old))
            } else {
                if interrupted() { return nil }
                steps.insert(next.cursor)
                try next.step()
                progress(next)
            }
        }
        return (next, steps)
    }

    /// Without edits there and with them again: what an edit does to a value is no part of its op.
    private func carriedWithEdits(to other: Program, _ bindings: [Int: Tensor], _ interrupted: () -> Bool) throws -> (Stepper, Set<Int>)? {
        guard let plain = try rerun(EditSet(), interrupted: interrupted),
            let (next, steps) = try plain.stepper.carried(to: other, bindings: bindings, interrupted: interrupted),
            let edited = try next.rerun(edits.list, interrupted: interrupted)
        else { return nil }
        return (edited.stepper, steps.union(edited.steps))
    }

    /// Weights and inputs of another program that are this run's, with their numbers here: the very memory that was bound, or, of ids and
    /// caches, the same bits.
    private func sameLeaves(_ other: Program, _ bindings: [Int: Tensor]) -> [Int: Int] {
        var same: [Int: Int] = [:]
        for (id, tensor) in bindings {
            guard let old = program.id(of: other.values[id].name), let mine = originals[old] ?? recording.tensors[old] else { continue }
            let isSame = mine.isSameMemory(as: tensor) || (program.values[old].role != .weight && mine.hasSameBits(as: tensor))
            if isSame { same[id] = old }
        }
        return same
    }

    /// Whether a step of `other` does what the step of this program's value `old` did, with the same inputs.
    private func isSame(_ step: Step, _ old: Int, _ same: [Int: Int]) -> Bool {
        guard let number = program.values[old].step else { return false }
        let mine = program.steps[number]
        return mine.inputs == step.inputs.map { same[$0] } && "\(mine.op)" == "\(step.op)"
    }
}

extension Tensor {
    /// Whether both are the same elements of the same memory.
    fileprivate func isSameMemory(as other: Tensor) -> Bool {
        bytes.baseAddress == other.bytes.baseAddress && type == other.type && shape.counts == other.shape.counts && strides == other.strides
    }

    fileprivate func hasSameBits(as other: Tensor) -> Bool {
        guard type == other.type, shape.counts == other.shape.counts, isContiguous, other.isContiguous else { return false }
        let count = elementCount * type.byteCount
        return bytes.prefix(count).elementsEqual(other.bytes.prefix(count))
    }
}
