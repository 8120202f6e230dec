import Tensors

/// Values as their ops made them, before they were rounded to their formats: what some derivatives read (`Derivative.Read.unrounded`). A run
/// records them rounded, so they are made again when the reverse walk comes to them, and no more than one is held at a time.
extension Policy {
    /// Which of a step's inputs it reads unrounded, where that is something else than what is recorded.
    static func unrounded(_ step: Step, _ formats: [NumberFormat]) -> [Int] {
        guard let gradient = step.op as? Gradient else { return [] }
        return gradient.derivative.reads.indices.filter { place in
            gradient.derivative.reads[place] == .unrounded && !formats[step.inputs[place]].keepsSingle
        }
    }
}

extension Stepper {
    /// Of the values that a step reads each as it reads it; `value` gives them as they are recorded.
    func inputs(of number: Int, _ ids: [Int], value: (Int) throws -> Tensor) throws -> [Tensor] {
        let unrounded = choices[number].unrounded
        var inputs: [Tensor] = []
        inputs.reserveCapacity(ids.count)
        for (place, id) in ids.enumerated() {
            inputs.append(unrounded.contains(place) ? try self.unrounded(id, value: value) : try value(id))
        }
        return inputs
    }

    /// Of what the op of a step reads each as it reads it; nil where something has not been computed.
    func readings(of number: Int) throws -> [Tensor]? {
        let ids = program.steps[number].inputs
        return ids.allSatisfy(isComputed) ? try inputs(of: number, ids, value: value) : nil
    }

    /// A value before it was rounded, and before edits of it.
    func unrounded(_ id: Int) throws -> Tensor { try unrounded(id, value: value) }

    private func unrounded(_ id: Int, value: (Int) throws -> Tensor) throws -> Tensor {
        guard let number = program.values[id].step else { return try value(id) }
        return try computeEdited(number, program.steps[number].inputs.map(value), edits.text, rounds: false)
    }
}
