import Tensors

/// What a pass will take in memory, found by walking its program without computing anything: each value is counted from the step that
/// writes it to the last that reads it, a view as part of what it shows.
package struct MemoryPlan: Sendable {
    /// Bytes of all weights as the checkpoint stores them.
    package let weights: Int
    /// Bytes of the gradients of the leaves, fp32.
    package let gradients: Int
    /// The most bytes that values between the weights and their gradients take at once, fp32.
    package let activations: Int
    /// The step at which they do.
    package let peakStep: Int
    /// Floating-point operations of the forward and of the reverse walk.
    package let forwardOperations: Int
    package let backwardOperations: Int

    package var bytes: Int { weights + gradients + activations }

    /// `weightBytes` gives the bytes of a weight by name, in the format of its file.
    package init(_ program: Program, weightBytes: (String) -> Int) {
        let lifetimes = Lifetimes(program)
        weights = program.weights.reduce(0) { $0 + weightBytes(program.values[$1].name) }
        gradients = lifetimes.kept.reduce(0) { $0 + lifetimes.bytes(program, $1) }
        var (now, peak, at) = (0, 0, 0)
        for number in program.steps.indices {
            let output = program.steps[number].output
            if lifetimes.root[output] == output, !lifetimes.kept.contains(output) { now += lifetimes.bytes(program, output) }
            if now > peak { (peak, at) = (now, number) }
            for id in lifetimes.ending[number] { now -= lifetimes.bytes(program, id) }
        }
        (activations, peakStep) = (peak, at)
        let costs = program.steps.map { step in
            step.op.cost(step.inputs.map { program.values[$0].shape }, output: program.values[step.output].shape)
        }
        forwardOperations = costs[..<program.forwardCount].reduce(0, +)
        backwardOperations = costs[program.forwardCount...].reduce(0, +)
    }
}

/// Which value owns the storage of each, and where each owner's life ends.
private struct Lifetimes {
    /// Of a view the value it shows, through any number of views; else the value itself.
    private(set) var root: [Int]
    /// Owners that nobody reads any more after a step.
    private(set) var ending: [[Int]]
    /// Gradients that are a pass's results: no step reads them.
    private(set) var kept: Set<Int>

    init(_ program: Program) {
        root = Array(program.values.indices)
        for step in program.steps where step.op.isView {
            if let source = step.inputs.last { root[step.output] = root[source] }
        }
        var last = [Int: Int]()
        for (number, step) in program.steps.enumerated() {
            for id in step.inputs + [step.output] where program.values[root[id]].step != nil { last[root[id]] = number }
        }
        let results = program.values.indices.filter { program.values[$0].role == .gradient && program.lastUse[$0] < 0 }
        kept = Set(results.map { [root] in root[$0] })
        ending = Array(repeating: [], count: program.steps.count)
        for (id, number) in last where !kept.contains(id) { ending[number].append(id) }
    }

    func bytes(_ program: Program, _ id: Int) -> Int { program.values[id].shape.elementCount * 4 }
}
