import Tensors

/// A program with a cursor and the values so far. A copy is a snapshot; stepping back is forgetting, so there is no undo log.
package struct Stepper: Sendable {
    package let program: Program
    package internal(set) var policy: Policy
    /// The step that runs next; `program.steps.count` at the end.
    private(set) package var cursor = 0
    package internal(set) var recording: Recording
    /// What was changed by hand.
    package internal(set) var edits = EditPlan()
    /// Weights and inputs as they were bound, where an edit or a format has another one in their place.
    private(set) var originals: [Int: Tensor] = [:]
    /// Of each step, resolved once.
    package internal(set) var choices: [Policy.Choice] {
        didSet {
            ready = Stepper.ready(program, choices, policy)
            fused = FusedSteps(program, choices, recording.keep, threads: policy.threads)
        }
    }
    /// Of each step its kernel, where nothing else is to be done.
    private var ready: [ReadyKernel?]
    private(set) var fused: FusedSteps
    /// What is computed again for the reverse walk; nil where all is kept.
    let segments: Segments?

    /// `bindings` gives every weight and input, by the value's number.
    package init(_ program: Program, policy: Policy, keep: Recording.Keep, bindings: [Int: Tensor]) throws(BindingError) {
        try self.init(program, policy: policy, keep: keep, bindings: bindings, rounded: [:])
    }

    /// `rounded` has what some of the bindings are in their formats, where that is known.
    init(_ program: Program, policy: Policy, keep: Recording.Keep, bindings: [Int: Tensor], rounded: [Int: Tensor]) throws(BindingError) {
        self.program = program
        self.policy = policy
        choices = policy.choices(for: program)
        ready = Stepper.ready(program, choices, policy)
        fused = FusedSteps(program, choices, keep, threads: policy.threads)
        try policy.check(program)
        recording = Recording(valueCount: program.values.count, keep: keep)
        segments =
            switch keep {
            case .nothing: Segments(program, .none)
            case .residuals(let checkpointing): Segments(program, checkpointing)
            case .all: nil
            }
        for (id, value) in program.values.enumerated() where value.step == nil {
            guard let tensor = bindings[id] else { throw BindingError(rule: "\(value.name) has no value") }
            try Stepper.check(tensor, value)
            var stored = tensor
            if let known = rounded[id] { stored = known } else { stored = try self.stored(id, tensor) }
            originals[id] = stored.isSame(as: tensor) ? nil : tensor
            recording.bind(id, stored)
        }
    }

    private static func ready(_ program: Program, _ choices: [Policy.Choice], _ policy: Policy) -> [ReadyKernel?] {
        zip(program.steps, choices).map { ReadyKernel($0.op, $1, threads: policy.threads) }
    }

    /// The same program at its start with other inputs: what is not given stays bound as it was. A cache may be longer than the program
    /// was built for; ops take lengths from their inputs. Edits stay; `text` is where the pass lies then.
    package func again(_ bindings: [Int: Tensor], text: TextWindow? = nil) throws -> Stepper {
        var next = self
        if let text { next.edits.text = text }
        next.cursor = 0
        next.recording = Recording(valueCount: program.values.count, keep: recording.keep)
        for id in program.leaves {
            guard let tensor = bindings[id] ?? recording.tensors[id] else {
                throw BindingError(rule: "\(program.values[id].name) has no value")
            }
            if bindings[id] == nil {
                next.recording.bind(id, tensor)
                continue
            }
            try Stepper.check(tensor, program.values[id])
            try next.bind(id, tensor)
        }
        return next
    }

    /// Gives a weight or an input its tensor, with the edits on it.
    mutating func bind(_ id: Int, _ tensor: Tensor) throws {
        let stored = try stored(id, edits.applied(to: id, stored(id, tensor), program, text: edits.text))
        originals[id] = stored.isSame(as: tensor) ? nil : tensor
        recording.bind(id, stored)
    }

    /// The same run over a longer program that begins with this one's values and steps: the reverse walk behind a forward pass. What has
    /// been computed stays under its number, and nothing is computed again.
    package func extended(to longer: Program) throws -> Stepper {
        let isLonger =
            longer.steps.count >= program.steps.count && longer.values.count >= program.values.count
            && zip(program.values, longer.values).allSatisfy { $0.name == $1.name && $0.step == $1.step && $0.shape == $1.shape }
        guard isLonger else { throw BindingError(rule: "the longer program does not begin with the values of the shorter one") }
        var leaves: [Int: Tensor] = [:]
        for (id, value) in program.values.enumerated() where value.step == nil { leaves[id] = recording.tensors[id] }
        var next = try Stepper(longer, policy: policy, keep: recording.keep, bindings: leaves, rounded: leaves)
        next.recording = recording.extended(to: longer.values.count)
        next.cursor = cursor
        next.originals = originals
        next.edits = edits.extended(to: next)
        return next
    }

    private static func check(_ tensor: Tensor, _ value: Value) throws(BindingError) {
        let fits = value.role == .cache ? tensor.shape.rank == value.shape.rank : tensor.shape.isAsLong(as: value.shape)
        if !fits { throw BindingError(rule: "\(value.name) is \(tensor.shape) and the program wants \(value.shape)") }
    }

    /// A weight or an input as it was bound, before it was rounded or edited.
    package func given(_ id: Int) -> Tensor? { originals[id] ?? recording.tensors[id] }

    package var isFinished: Bool { cursor == program.steps.count }
    /// The value that the next step writes.
    package var next: Int? { isFinished ? nil : program.steps[cursor].output }

    /// Runs one op. Returns the value it wrote.
    @discardableResult
    package mutating func step() throws -> Int {
        let number = cursor
        try renew(number)
        cursor += 1
        return program.steps[number].output
    }

    /// Takes the next step's value from elsewhere instead of computing it; a tensor that was evicted there is made again when it is read.
    mutating func adopt(_ tensor: Tensor?, _ statistics: Statistics?) {
        recording.adopt(program.steps[cursor].output, tensor, statistics)
        cursor += 1
    }

    /// Runs a step before the cursor once more and records its new value.
    mutating func renew(_ number: Int) throws {
        if segments != nil { try restore(for: number) }
        if waits(number) { return release(after: number) }
        if let next = program.followingWeight[number], let weight = recording.tensors[next] {
            Kernels.expect(weight, threads: policy.threads)  // fetched while threads are idle
        }
        let large = segments == nil ? [] : largeWeights(of: number)
        for weight in large { weight.mapPages() }
        let inputs = try passInputs(number)
        let tensor =
            edits.isEmpty
            ? try passed(number, inputs) : try runEdited(number, inputs: inputs, text: edits.text, spans: spans(number))
        try recording.store(program.steps[number].output, tensor, threads: policy.threads)
        release(after: number)
        for weight in large { weight.releasePages() }
    }

    /// Apart from `renew`, which changes the stepper: a closure there would be given a copy of it at every step.
    private func passInputs(_ number: Int) throws -> [Tensor] {
        try inputs(of: number, passReads(number)) { try recording.tensors[$0] ?? value($0) }
    }

    /// Forgets the last op's value. The same bits come when it is stepped again.
    package mutating func stepBack() {
        guard cursor > 0 else { return }
        cursor -= 1
        recording.forget(program.steps[cursor].output)
    }

    /// Runs a step once more whose value had been dropped.
    mutating func runAgain(_ number: Int) throws {
        recording.restore(program.steps[number].output, try runFromRecording(number) { try value($0) })
    }

    mutating func release(_ id: Int) { recording.evict(id) }

    /// A value that has been computed, again if it was evicted; nil if its step has not run.
    package func tensor(_ id: Int) throws -> Tensor? {
        guard let step = program.values[id].step, step >= cursor else { return try value(id) }
        return nil
    }

    package func statistics(_ id: Int) -> Statistics? { recording.known(id) }

    /// Whether a step has run: its value is known, though perhaps not in memory.
    package func isComputed(_ id: Int) -> Bool { (program.values[id].step ?? -1) < cursor }

    /// `text` says where in the text the inputs' last rows lie, if not at the end of the pass; edits go by it.
    func run(_ number: Int, inputs: [Tensor], text: TextWindow? = nil) throws -> Tensor {
        edits.isEmpty ? try compute(number, inputs) : try runEdited(number, inputs: inputs, text: text ?? edits.text)
    }

    /// A step of the pass itself, whose values have the program's shapes.
    private func passed(_ number: Int, _ inputs: [Tensor]) throws -> Tensor {
        let (joint, shape) = (joint(number), program.fixedShapes[number])
        if let joint {
            let shape = try shape ?? joint.fusion.op.outputShape(inputs.map(\.shape))
            if let value = try joint.ready?.run(inputs, shape) { return value }
            return try Stepper.compute(joint.fusion.op, joint.choice, inputs, shape, threads: policy.threads)
        }
        if spans(number) { return try compute(number, inputs, spans: true) }
        if let ready = ready[number] {
            let shape = try shape ?? program.steps[number].op.outputShape(inputs.map(\.shape))
            if let value = try ready.run(inputs, shape) { return value }
        }
        guard let shape else { return try compute(number, inputs) }
        return try Stepper.compute(op(running: number), choices[number], inputs, shape, threads: policy.threads)
    }

    /// What is in memory, or computed again from what is: the chain ends at the last kept residual.
    func value(_ id: Int) throws -> Tensor {
        if let tensor = recording.tensors[id] { return tensor }
        var remade: [Int: Tensor] = [:]
        return try remake(id, &remade)
    }

    private func remake(_ id: Int, _ remade: inout [Int: Tensor]) throws -> Tensor {
        if let tensor = recording.tensors[id] ?? remade[id] { return tensor }
        guard let number = program.values[id].step else { throw BindingError(rule: "\(program.values[id].name) has no value") }
        let tensor = try runFromRecording(number) { try remake($0, &remade) }
        remade[id] = tensor
        return tensor
    }

    /// In bytes: of a usual model the matrices of the MLP, for what mapping costs goes with the memory that it saves.
    private static let largeWeight = 3 << 19

    /// The weights that a product reads. Where memory counts they do not stay mapped while values wait for the walk back, but in the
    /// system's cache of the file, from where they come again.
    private func largeWeights(of number: Int) -> [Tensor] {
        guard program.steps[number].op.isProduct else { return [] }
        return program.steps[number].inputs.filter { program.values[$0].role == .weight }.compactMap { recording.tensors[$0] }
            .filter { $0.byteCount >= Stepper.largeWeight }
    }

    /// Drops what nobody reads any more: at once where nothing is kept, else the oldest non-residuals until the budget holds.
    private mutating func release(after number: Int) {
        guard case .all = recording.keep else {
            for id in passing(number) where number >= program.forwardCount || segments?.isHeld(id, by: number) != true {
                recording.evict(id)
            }
            for id in segments?.dropped(after: number) ?? [] { recording.evict(id) }
            return
        }
        guard recording.isOverBudget else { return }
        for earlier in program.steps[..<number] where recording.isOverBudget {
            let id = earlier.output
            if lastUse(id) <= number, program.values[id].role == .activation, recording.tensors[id] != nil { recording.evict(id) }
        }
    }
}

package struct BindingError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package var description: String { rule }
}
