import Tensors

/// Steps whose kernel computes several in one. The values between are made by their own steps all the same, so that they can be looked at;
/// where one of them is edited, the kernel stands aside for the op's own, since it would not see the edit.
extension Stepper {
    /// Whether a step reads what its kernel wants and not what its op reads.
    func spans(_ number: Int) -> Bool {
        if spanUse.isEmpty { return false }
        guard let deputy = choices[number].deputy, deputy.inputs != nil else { return false }
        return edits.isEmpty || (edits.substitutes[number] == nil && !deputy.between.contains { edits.changes[$0] != nil })
    }

    /// The values that a step is computed from.
    func reads(_ number: Int) -> [Int] { (spans(number) ? choices[number].deputy?.inputs : nil) ?? program.steps[number].inputs }

    /// What runs for a step without edits.
    func op(running number: Int) -> any Op { choices[number].deputy?.op ?? program.steps[number].op }

    /// The step's value from what `value` gives of its inputs.
    func runFromRecording(_ number: Int, value: (Int) throws -> Tensor) throws -> Tensor {
        let inputs = try inputs(of: number, reads(number), value: value)
        guard spans(number) else { return try run(number, inputs: inputs) }
        return edits.isEmpty
            ? try compute(number, inputs, spans: true) : try runEdited(number, inputs: inputs, text: edits.text, spans: true)
    }

    /// From the inputs of the step's op, or of its kernel if that `spans`.
    func compute(_ number: Int, _ inputs: [Tensor], spans: Bool = false, rounds: Bool = true) throws -> Tensor {
        let own = program.steps[number].op
        var choice = spans ? choices[number] : choices[number].alone(own)
        if !rounds { choice = choice.partsOnly() }
        let op = choice.deputy?.op ?? own
        return try Stepper.compute(op, choice, inputs, threads: policy.threads)
    }

    /// What nobody wants any more after a step.
    func passing(_ number: Int) -> [Int] {
        guard !spanUse.isEmpty else { return program.passing[number] }
        let read = Set(reads(number) + program.steps[number].inputs)
        return read.filter { lastUse($0) == number && program.isPassing($0) }
    }

    /// The last step that reads a value.
    func lastUse(_ id: Int) -> Int { max(program.lastUse[id], spanUse[id] ?? -1) }

    /// By value, the last step whose kernel reads it although its op does not.
    static func spanUse(_ choices: [Policy.Choice]) -> [Int: Int] {
        var last: [Int: Int] = [:]
        for (number, choice) in choices.enumerated() { for id in choice.deputy?.inputs ?? [] { last[id] = number } }
        return last
    }
}
