import Tensors

/// Running a step under edits.
extension Stepper {
    /// The step's value as the rest reads it. `rows` says where in the text the last row lies, if not at the end of the pass.
    func runEdited(_ number: Int, inputs: [Tensor], text: TextWindow, spans: Bool = false) throws -> Tensor {
        var inputs = inputs
        if let value = edits.producers[number] { inputs = try throughEdits(of: value, number, inputs) }
        let raw = spans ? try compute(number, inputs, spans: true) : try computeEdited(number, inputs, text)
        let edited = try edits.applied(to: program.steps[number].output, raw, program, text: text)
        return try choices[number].format.rounded(edited, hides: program.steps[number].op.hidesWithInfinity, threads: policy.threads)
    }

    /// What the step's op gives, or what runs in its place, before edits of its value.
    func computeEdited(_ number: Int, _ inputs: [Tensor], _ text: TextWindow, rounds: Bool = true) throws -> Tensor {
        guard let substitute = edits.substitutes[number] else { return try compute(number, inputs, rounds: rounds) }
        var op = substitute.op
        if let norm = op as? FrozenNorm, norm.scales.count != inputs[0].shape.rowCount {
            // A part of the rows, as the logit lens asks for.
            let first = text.end - inputs[0].shape.rowCount - (edits.text.end - norm.scales.count)
            op = norm.keeping(Array(norm.scales.dropFirst(first).prefix(inputs[0].shape.rowCount)))
        }
        let shape = try op.outputShape(inputs.map(\.shape))
        let choice = substitute.choice(like: choices[number])
        return try Stepper.compute(op, rounds ? choice : choice.partsOnly(), inputs, shape, threads: policy.threads)
    }

    /// What a derivative reads if its forward op's value was edited: dL/dy times ∂(edited)/∂(raw), and the raw value for the edited.
    private func throughEdits(of value: Int, _ number: Int, _ inputs: [Tensor]) throws -> [Tensor] {
        guard let gradient = inputs.last, let forward = program.values[value].step else { return inputs }
        var inputs = inputs
        let slopes = try edits.slopes(of: value, gradient.shape, program)
        inputs[inputs.count - 1] = try Tensor(gradient.shape, zip(gradient.floats(), slopes).map { $1 == 0 ? 0 : $0 * $1 })
        guard let place = program.steps[number].inputs.dropLast().firstIndex(of: value), !choices[number].unrounded.contains(place) else {
            return inputs
        }
        inputs[place] = try computeEdited(forward, program.steps[forward].inputs.map { try self.value($0) }, edits.text)
        return inputs
    }

    /// Whether edits change the value itself.
    package func isEdited(_ id: Int) -> Bool { edits.changes[id] != nil }

    /// Whether an element's number is an edit's own, whatever it was computed from.
    func isOverwritten(_ id: Int, at index: [Int]) throws -> Bool {
        guard isEdited(id), let shape = try tensor(id)?.shape, let place = shape.position(of: index) else { return false }
        return try edits.slopes(of: id, shape, program)[place] == 0
    }

    /// The op that runs for a step: the program's, or what an edit has put in its place.
    package func op(ofStep number: Int) -> any Op {
        let meant = choices[number].deputy.flatMap { $0.inputs == nil ? $0.op : nil }
        return edits.substitutes[number]?.op ?? meant ?? program.steps[number].op
    }

    /// What the step's op gave before edits of its value; for a weight or an input what was bound. Nil if it has not been computed.
    package func unedited(_ id: Int) throws -> Tensor? {
        guard isEdited(id) else { return try tensor(id) }
        guard let number = program.values[id].step else { return originals[id] }
        guard number < cursor else { return nil }
        return try computeEdited(number, program.steps[number].inputs.map { try value($0) }, edits.text)
    }
}
