import Tensors

/// What one kernel does for one value of a run: measured on the value's own inputs, of which nothing changes.
package struct KernelReading: Sendable {
    package let name: String
    package let card: KernelCard
    /// The op whose function it is, if that is another than the value's.
    package let meaning: String?
    package let operations: Int
    /// Read and written: inputs as they are stored, the value in fp32.
    package let bytes: Int
    /// Of the fastest of several runs.
    package let seconds: Double
    package let limits: MachineLimits
    /// From the value as the run has it: the greatest |Δ|, and how many elements have other bits.
    package let difference: Double
    package let differing: Int
    package let elementCount: Int

    package var gigaflops: Double { Double(operations) / seconds * 1e-9 }
    package var gigabytes: Double { Double(bytes) / seconds * 1e-9 }
    /// The least time this machine could take, as a share of what it took.
    package var share: Double { limits.seconds(operations: operations, bytes: bytes) / seconds }
    /// Whether it is arithmetic that limits it, and not memory.
    package var isBoundByArithmetic: Bool {
        Double(operations) / limits.operationsPerSecond > Double(bytes) / limits.bytesPerSecond
    }
}

extension Stepper {
    /// Whether a step's precision is more than kernels have, so that the formula runs whatever the policy names.
    package func isByFormula(_ step: Int) -> Bool { choices[step].isByFormula(program.steps[step].op) }

    /// What computes a value; empty for weights and inputs.
    package func kernelName(of id: Int) -> String {
        guard let step = program.values[id].step else { return "" }
        return isByFormula(step) ? Kernel.reference : choices[step].kernelName
    }

    /// Whether it is the one that runs where no policy says anything.
    package func isStandardKernel(_ step: Int) -> Bool {
        choices[step].kernelName == program.steps[step].op.kernels.first?.name ?? Kernel.reference
    }

    /// Whether no live rule has changed the format of a value.
    package func isOwnFormat(_ id: Int) -> Bool {
        guard let step = program.values[id].step else { return isOwnChoice(id) }
        return choices[step].ownFormat.map { $0 == choices[step].format } ?? true
    }

    /// What would compute a value if these were the live rules.
    package func kernel(of name: String, under live: [Policy.Rule]) -> String? {
        guard let id = program.id(of: name), let step = program.values[id].step else { return nil }
        return under(live).choices(for: program)[step].kernelName
    }

    /// How a value would be kept if these were the live rules.
    package func format(of name: String, under live: [Policy.Rule]) -> NumberFormat? {
        guard let value = program.id(of: name).map({ program.values[$0] }) else { return nil }
        guard let step = value.step else { return under(live).choice(for: value, op: nil).format }
        return under(live).choices(for: program)[step].format
    }

    private func under(_ live: [Policy.Rule]) -> Policy {
        var other = policy
        other.live = live
        return other
    }

    /// The names of the kernels that the step of a value may be computed by, the first of the op first, the reference last.
    package func kernelNames(of id: Int) -> [String] {
        guard let step = program.values[id].step else { return [] }
        return program.kernels(of: program.steps[step]).map(\.name) + [Kernel.reference]
    }

    /// The value of a step by another kernel, rounded as this run rounds it; nothing is recorded. Nil if there is no such kernel, or the
    /// step has not run.
    package func value(_ id: Int, by name: String) throws -> Tensor? {
        guard let trial = try Trial(self, id, name) else { return nil }
        return try trial.run()
    }

    /// Nil if there is no such kernel, the step has not run, or `interrupted`.
    package func reading(of id: Int, by name: String, limits: MachineLimits, interrupted: () -> Bool = { false }) throws -> KernelReading? {
        guard let trial = try Trial(self, id, name), let own = try unedited(id) else { return nil }
        var made: Tensor?
        let begin = ContinuousClock.now
        made = try trial.run()
        let first = (ContinuousClock.now - begin) / .seconds(1)
        var fastest = first
        while (ContinuousClock.now - begin) / .seconds(1) < min(0.1, 20 * first), first < 0.1 {
            if interrupted() { return nil }
            let start = ContinuousClock.now
            made = try trial.run()
            fastest = min(fastest, (ContinuousClock.now - start) / .seconds(1))
        }
        return made.map { KernelReading(trial, seconds: fastest, made: $0, own: own, limits: limits) }
    }
}

/// One kernel put on one step's inputs.
private struct Trial {
    let op: any Op
    let choice: Policy.Choice
    let inputs: [Tensor]
    let own: any Op
    let kernel: Kernel?
    let threads: Int

    init?(_ stepper: Stepper, _ id: Int, _ name: String) throws {
        let program = stepper.program
        guard let number = program.values[id].step, stepper.isComputed(id) else { return nil }
        let step = program.steps[number]
        kernel = program.kernel(named: name, of: step)
        if kernel == nil && name != Kernel.reference { return nil }
        var choice = stepper.choices[number]
        choice.kernel = kernel
        choice.deputy = Policy.Deputy(kernel, step, program)
        (own, op, self.choice, threads) = (step.op, choice.deputy?.op ?? step.op, choice.resolved(), stepper.policy.threads)
        inputs = try stepper.inputs(of: number, choice.deputy?.inputs ?? step.inputs) { try stepper.value($0) }
    }

    func run() throws -> Tensor {
        try Stepper.compute(op, choice, inputs, op.outputShape(inputs.map(\.shape)), threads: threads)
    }
}

extension KernelReading {
    fileprivate init(_ trial: Trial, seconds: Double, made: Tensor, own: Tensor, limits: MachineLimits) {
        let (a, b) = (made.floats(), own.floats())
        var (difference, differing) = (0.0, 0)
        for (x, y) in zip(a, b) where x.bitPattern != y.bitPattern && !(x.isNaN && y.isNaN) {
            differing += 1
            let distance = x == y ? 0 : abs(Double(x) - Double(y))
            difference = distance.isNaN ? .infinity : max(difference, distance)
        }
        let generic = KernelCard(
            "The op's fast kernel.", order: trial.own.card.formula, rounding: "see the formula", source: trial.own.card.source)
        self.init(
            name: trial.kernel?.name ?? Kernel.reference,
            card: trial.kernel.map { $0.card ?? generic } ?? KernelCard.reference(trial.own),
            meaning: trial.kernel?.meaning.map { $0.card.name + $0.parameters.map { " \($0.name) \($0.value)" }.joined(separator: ",") },
            operations: trial.op.cost(trial.inputs.map(\.shape), output: made.shape),
            bytes: trial.inputs.reduce(made.elementCount * 4) { $0 + $1.byteCount }, seconds: seconds,
            limits: limits.reading(trial.kernel?.inputs), difference: difference, differing: differing, elementCount: made.elementCount)
    }
}
