import Tensors

extension Stepper {
    /// This run under another program, or with other weights: a value stays as it is where its name, its op and all that it was computed from
    /// are the same; the rest is computed again, as far as this run has come. Going back to the first program gives the same bits. Edits
    /// stay. Nil if `interrupted`; this run is not touched.
    package func carried(
        to other: Program, bindings: [Int: Tensor], interrupted: () -> Bool = { false }
    ) throws -> (stepper: Stepper, steps: Int)? {
        guard edits.isEmpty else { return try carriedWithEdits(to: other, bindings, interrupted) }
        var next = try Stepper(other, policy: policy, keep: recording.keep, bindings: bindings)
        next.lie(in: edits.text)
        var same = sameLeaves(next)
        var steps = 0
        while let id = next.next {
            let old = program.id(of: other.values[id].name)
            if let old, !isComputed(old) { break }
            if let old, isSame(other.steps[next.cursor], old, other, same) {
                same.insert(id)
                next.adopt(recording.tensors[old], recording.known(old))
            } else {
                if interrupted() { return nil }
                try next.step()
                steps += 1
            }
        }
        return (next, steps)
    }

    /// Without edits there and with them again: what an edit does to a value is no part of its op.
    private func carriedWithEdits(to other: Program, _ bindings: [Int: Tensor], _ interrupted: () -> Bool) throws -> (Stepper, Int)? {
        guard let plain = try rerun(EditSet(), interrupted: interrupted),
            let (next, steps) = try plain.stepper.carried(to: other, bindings: bindings, interrupted: interrupted),
            let edited = try next.rerun(edits.list, interrupted: interrupted)
        else { return nil }
        return (edited.stepper, steps + edited.steps.count)
    }

    /// Weights and inputs of `next` that are this run's: the very memory, or, of ids and caches, the same bits.
    private func sameLeaves(_ next: Stepper) -> Set<Int> {
        let leaves = next.program.values.indices.filter { id in
            guard next.program.values[id].step == nil, let old = program.id(of: next.program.values[id].name),
                let mine = recording.tensors[old], let other = next.recording.tensors[id]
            else { return false }
            return mine.isSameMemory(as: other) || (program.values[old].role != .weight && mine.hasSameBits(as: other))
        }
        return Set(leaves)
    }

    /// Whether a step of `other` does what the step of this program's value `old` did, with the same inputs.
    private func isSame(_ step: Step, _ old: Int, _ other: Program, _ same: Set<Int>) -> Bool {
        guard let number = program.values[old].step else { return false }
        let mine = program.steps[number]
        return mine.inputs.count == step.inputs.count
            && zip(mine.inputs, step.inputs).allSatisfy { input, new in
                same.contains(new) && program.values[input].name == other.values[new].name
            } && "\(mine.op)" == "\(step.op)"
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
