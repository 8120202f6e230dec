import Tensors

/// What a pass will take in memory, found by walking its program without computing anything: each value is counted from the step that
/// writes it to the last that reads it, a view as part of what it shows, and what a step holds beside them while it runs.
package struct MemoryPlan: Sendable {
    /// Bytes of all weights as the checkpoint stores them.
    package let weights: Int
    /// Bytes of the gradients of the leaves, fp32.
    package let gradients: Int
    /// The most bytes that values between the weights and their gradients take at once, in whatever formats they are: they lie in fp32, or in fp64.
    package let activations: Int
    /// The step at which they do.
    package let peakStep: Int
    /// Floating-point operations of the forward and of the reverse walk.
    package let forwardOperations: Int
    package let backwardOperations: Int

    package var bytes: Int { weights + gradients + activations }

    /// `weightBytes` gives the bytes of a weight by name, in the format of its file.
    package init(
        _ program: Program, _ checkpointing: Checkpointing = .none, policy: Policy = Policy(), weightBytes: (String) -> Int
    ) {
        weights = program.weights.reduce(0) { $0 + weightBytes(program.values[$1].name) }
        var walk = MemoryWalk(program, checkpointing, policy)
        gradients = walk.resultBytes
        for number in program.steps.indices { walk.step(number) }
        (activations, peakStep) = (walk.peak, walk.peakStep)
        let costs = program.steps.map { step in
            step.op.cost(step.inputs.map { program.values[$0].shape }, output: program.values[step.output].shape)
        }
        forwardOperations = costs[..<program.forwardCount].reduce(0, +)
        backwardOperations = costs[program.forwardCount...].reduce(0, +)
    }
}

/// The values in memory as the stepper keeps, drops and makes them again.
private struct MemoryWalk {
    private let program: Program
    private let choices: [Policy.Choice]
    private let segments: Segments?
    /// Of a view the value it shows, through any number of views; else the value itself.
    private let root: [Int]
    /// Values that no step reads after this one.
    private let ending: [[Int]]
    /// Gradients that are a pass's results: no step reads them.
    private let results: Set<Int>
    private var live: Set<Int> = []
    /// How many live values show an owner's storage.
    private var shown: [Int: Int] = [:]
    private var now = 0
    private(set) var peak = 0
    private(set) var peakStep = 0

    init(_ program: Program, _ checkpointing: Checkpointing, _ policy: Policy) {
        self.program = program
        choices = policy.choices(for: program)
        segments = checkpointing == .none ? nil : Segments(program, checkpointing)
        var root = Array(program.values.indices)
        for step in program.steps where step.op.isView {
            if let source = step.inputs.last { root[step.output] = root[source] }
        }
        self.root = root
        results = Set(
            program.values.indices.filter { program.values[$0].role == .gradient && program.lastUse[$0] < 0 }.map { root[$0] })
        var last: [Int: Int] = [:]
        for (number, step) in program.steps.enumerated() { for id in step.inputs + [step.output] { last[id] = number } }
        var ending: [[Int]] = Array(repeating: [], count: program.steps.count)
        for (id, number) in last { ending[number].append(id) }
        self.ending = ending
    }

    var resultBytes: Int { results.reduce(0) { $0 + bytes($1) } }

    mutating func step(_ number: Int) {
        if number >= program.forwardCount { for input in program.steps[number].inputs { restore(input, for: number) } }
        let again = madeAgain(number)
        add(program.steps[number].output)
        note(number, beside: again + scratch(number))
        for id in ending[number] where number >= program.forwardCount || segments?.isHeld(id, by: number) != true { remove(id) }
        for id in segments?.dropped(after: number) ?? [] { remove(id) }
    }

    /// Makes all of a value's segment again that is still to be read, if the value is gone.
    private mutating func restore(_ input: Int, for number: Int) {
        guard !live.contains(input), let step = program.values[input].step, let segment = segments?.segment(of: step) else { return }
        let steps = segments?.missing(in: segment, for: number, program, isThere: live.contains) ?? []
        let again = Set(steps.map { program.steps[$0].output })
        var readers: [Int: Int] = [:]
        for step in steps { for id in program.steps[step].inputs { readers[id, default: 0] += 1 } }
        for step in steps {
            add(program.steps[step].output)
            note(number, beside: scratch(step))
            for id in program.steps[step].inputs {
                readers[id, default: 0] -= 1
                if readers[id] == 0, again.contains(id), program.lastUse[id] < number { remove(id) }
            }
        }
        for id in segments?.held(by: segment) ?? [] where program.lastUse[id] < number { remove(id) }
    }

    /// Bytes of the values that a step reads as they were before they were rounded; each is made again just before.
    private mutating func madeAgain(_ number: Int) -> Int {
        var made = 0
        for place in choices[number].unrounded {
            let id = program.steps[number].inputs[place]
            guard let step = program.values[id].step else { continue }
            made += bytes(id)
            note(number, beside: made + gone(program.steps[step].inputs) + scratch(step))
        }
        return made
    }

    /// Bytes of what has to be made again, and is there at once, where some values are wanted of which not all are in memory.
    private func gone(_ ids: [Int]) -> Int {
        var (found, open) = (Set<Int>(), ids)
        while let id = open.popLast() {
            guard let step = program.values[id].step, !live.contains(id), found.insert(id).inserted else { continue }
            open += program.steps[step].inputs
        }
        return found.reduce(0) { $0 + (root[$1] == $1 ? bytes($1) : 0) }
    }

    /// Bytes that a step holds while it runs, beside what it reads and what it gives: inputs in another format, for which a weight is
    /// widened first, what its kernel holds, and in fp64 the arrays of the formula.
    private func scratch(_ number: Int) -> Int {
        let (step, choice) = (program.steps[number], choices[number])
        if choice.isDouble { return (step.inputs + [step.output]).reduce(0) { $0 + program.values[$1].shape.elementCount * 8 } }
        var bytes = 0
        if let format = choice.inputs, !format.keepsSingle, format != .fp64 {
            bytes += step.inputs.reduce(0) { $0 + self.bytes($1) * (program.values[$1].role == .weight ? 2 : 1) }
        }
        guard let gradient = step.op as? Gradient else { return bytes }
        let shapes = step.inputs.map { program.values[$0].shape }
        return bytes
            + 4 * gradient.op.backwardScratch(gradient.derivative.input, shapes, shape: gradient.shape, rounding: choice.rounding)
    }

    private mutating func note(_ number: Int, beside scratch: Int) {
        if now + scratch > peak { (peak, peakStep) = (now + scratch, number) }
    }

    private func bytes(_ id: Int) -> Int {
        program.values[id].shape.elementCount * (program.values[id].step.map { choices[$0].isDouble } == true ? 8 : 4)
    }

    private mutating func add(_ id: Int) {
        let owner = root[id]
        guard program.values[owner].step != nil, !results.contains(owner), live.insert(id).inserted else { return }
        shown[owner, default: 0] += 1
        if shown[owner] == 1 { now += bytes(owner) }
    }

    private mutating func remove(_ id: Int) {
        guard live.remove(id) != nil else { return }
        shown[root[id], default: 0] -= 1
        if shown[root[id]] == 0 { now -= bytes(root[id]) }
    }
}
