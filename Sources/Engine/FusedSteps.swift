import Tensors

/// Steps that are computed as one: because a rule names a kernel of several (`Policy.Deputy`), or because nothing is kept (`JointStep`). Found out
/// once, and not at every step of a long decoding.
struct FusedSteps: Sendable {
    /// By step, where it is the last of several; empty where there are none.
    private let joints: [JointStep?]
    /// By step, where nobody else would read its value and nothing is kept, the step that does without it; empty where there are none.
    private let waits: [Int?]
    /// By value, the last step that reads it although its op does not.
    let lastUse: [Int: Int]
    /// By step, which values nobody wants any more after it; without edits.
    private(set) var passing: [[Int]]

    init(_ program: Program, _ choices: [Policy.Choice], _ keep: Recording.Keep, threads: Int) {
        let (joints, waits) = keep == .nothing ? FusedSteps.deferred(program, choices, threads) : ([], [])
        var last: [Int: Int] = [:]
        var reads: [Int: [Int]] = [:]
        for (number, choice) in choices.enumerated() {
            reads[number] = (joints.isEmpty ? nil : joints[number])?.fusion.inputs ?? choice.deputy?.inputs
            for id in reads[number] ?? [] { last[id] = number }
        }
        (self.joints, self.waits, lastUse, passing) = (joints, waits, last, program.passing)
        if reads.isEmpty { return }
        for (number, step) in program.steps.enumerated() {
            passing[number] = self.passing(after: number, step.inputs + (reads[number] ?? []), program)
        }
    }

    /// What may wait is read by nobody but the step that it waits for, and by what waits for that one, too. A joint step does all or none.
    private static func deferred(
        _ program: Program, _ choices: [Policy.Choice], _ threads: Int
    ) -> (joints: [JointStep?], waits: [Int?]) {
        var readers = [Int](repeating: 0, count: program.values.count)
        for step in program.steps { for input in step.inputs { readers[input] += 1 } }
        var (joints, waits) = (JointStep.all(program, choices, threads: threads), [Int?](repeating: nil, count: program.steps.count))
        for number in program.steps.indices {
            guard let between = joints[number]?.fusion.between ?? choices[number].spanned else { continue }
            var (steps, reads) = ([Int](), program.steps[number].inputs)
            for id in between.sorted(by: >) where program.isPassing(id) && reads.count(where: { $0 == id }) == readers[id] {
                guard let step = program.values[id].step else { continue }
                steps.append(step)
                reads += program.steps[step].inputs
            }
            if joints[number] != nil, steps.count < between.count {
                joints[number] = nil
            } else {
                for step in steps { waits[step] = number }
            }
        }
        return waits.contains { $0 != nil } ? (joints, waits) : ([], [])
    }

    /// The step as one with others, if nothing is edited.
    func joint(_ step: Int) -> JointStep? { joints.isEmpty ? nil : joints[step] }

    /// Whether every step is computed alone.
    var isEmpty: Bool { lastUse.isEmpty }

    /// The step that a step waits for.
    func last(of step: Int) -> Int? { waits.isEmpty ? nil : waits[step] }

    /// What nobody reads after a step, of what it reads.
    func passing(after number: Int, _ read: [Int], _ program: Program) -> [Int] {
        Set(read).filter { max(program.lastUse[$0], lastUse[$0] ?? -1) == number && program.isPassing($0) }
    }
}

/// Where values are kept, those between such steps are made by their own steps all the same, so that they can be looked at; where one of them is
/// edited, the kernel stands aside for the op's own, since it would not see the edit.
extension Stepper {
    /// Whether a step reads what its kernel wants and not what its op reads.
    func spans(_ number: Int) -> Bool {
        if fused.isEmpty { return false }
        guard let deputy = choices[number].deputy, deputy.inputs != nil else { return false }
        return edits.isEmpty || (edits.substitutes[number] == nil && !deputy.between.contains { edits.changes[$0] != nil })
    }

    /// The step as one with others, if it is.
    func joint(_ number: Int) -> JointStep? { edits.isEmpty ? fused.joint(number) : nil }

    /// Whether a later step does what this one would.
    func waits(_ number: Int) -> Bool { fused.last(of: number).map { joint($0) != nil || spans($0) } ?? false }

    /// The values that a step is computed from.
    func reads(_ number: Int) -> [Int] { (spans(number) ? choices[number].deputy?.inputs : nil) ?? program.steps[number].inputs }

    /// The same in the pass itself, where several steps may be one.
    func passReads(_ number: Int) -> [Int] { fused.isEmpty ? program.steps[number].inputs : joint(number)?.fusion.inputs ?? reads(number) }

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
        edits.isEmpty ? fused.passing[number] : fused.passing(after: number, reads(number) + program.steps[number].inputs, program)
    }

    /// The last step that reads a value.
    func lastUse(_ id: Int) -> Int { max(program.lastUse[id], fused.lastUse[id] ?? -1) }
}

extension Policy.Choice {
    /// What a kernel of several steps does not read, though its op does.
    fileprivate var spanned: [Int]? { deputy.flatMap { $0.inputs == nil ? nil : $0.between } }
}
