import Tensors

extension Policy {
    /// Another op in a step's place, because the kernel is of another function or of several steps at once.
    package struct Deputy: Sendable, CustomStringConvertible {
        package let op: any Op
        /// What it reads; nil: what the step reads.
        package let inputs: [Int]?
        /// What the step reads, or what leads to it, and the deputy does not.
        package let between: [Int]

        private init(_ op: any Op, inputs: [Int]? = nil, between: [Int] = []) {
            self.op = op
            self.inputs = inputs
            self.between = between
        }

        init?(_ kernel: Kernel?, _ step: Step, _ program: Program) {
            if let meaning = kernel?.meaning {
                self.init(meaning)
            } else if let fusion = kernel?.fusion?(step, program) {
                self.init(fusion.op, inputs: fusion.inputs, between: fusion.between)
            } else {
                return nil
            }
        }

        /// The derivative of what another function has taken the place of.
        init?(ofGradient step: Step, _ program: Program, _ choices: [Choice]) {
            guard let gradient = step.op as? Gradient, let output = step.inputs.last, let value = program.differentiated(output),
                let forward = program.values[value].step, let deputy = choices[forward].deputy, deputy.inputs == nil
            else { return nil }
            let own = deputy.op.derivatives.first { $0.input == gradient.derivative.input && $0.reads == gradient.derivative.reads }
            self.init(Gradient(deputy.op, own ?? gradient.derivative, shape: gradient.shape))
        }

        package var description: String { "\(op) \(inputs ?? [])" }
    }

    /// Throws where a rule names a kernel that no op has for which the rule is.
    func check(_ program: Program) throws(BindingError) {
        for rule in rules + live {
            guard let name = rule.kernel, name != Kernel.reference else { continue }
            let steps = program.steps.filter { rule.selector.matches(program.values[$0.output].policyNames, op: $0.op) }
            if steps.isEmpty || steps.contains(where: { program.kernel(named: name, of: $0) != nil }) { continue }
            throw BindingError(rule: "\(rule.located): there is no kernel \(name); \(Policy.kernelList(steps, program))")
        }
    }

    /// What the ops have, each named once.
    private static func kernelList(_ steps: [Step], _ program: Program) -> String {
        var lists: [String: String] = [:]
        for step in steps where lists[step.op.card.name] == nil {
            let names = program.kernels(of: step).map(\.name) + [Kernel.reference]
            lists[step.op.card.name] = "\(step.op.card.name) has \(names.joined(separator: ", "))"
        }
        return lists.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; ")
    }
}

extension OpCatalogue {
    /// The kernels of an op's samples, each name once: an op may have some for certain parameters only.
    package static func kernels(of type: any Op.Type) -> [Kernel] {
        var kernels: [Kernel] = []
        for kernel in type.samples.flatMap({ $0.op.allKernels }) where !kernels.contains(where: { $0.name == kernel.name }) {
            kernels.append(kernel)
        }
        return kernels
    }

    /// What `kernel NAME` takes, by the op's name in a rule.
    static let kernelNames = Dictionary(
        all.map { ($0.card.ruleName, kernels(of: $0).map(\.name) + [Kernel.reference]) }, uniquingKeysWith: { a, _ in a })

    /// Throws for a kernel that none of the ops a selector may mean has.
    static func check(kernel name: String, _ selector: Policy.Selector) throws(PolicyError) {
        if case .op(let op) = selector, let names = kernelNames[op] {
            if names.contains(name) || backwardNames.contains(name) { return }
            throw PolicyError("@\(op) has no kernel \(name); it has \(names.joined(separator: ", "))")
        }
        if kernelNames.values.contains(where: { $0.contains(name) }) || backwardNames.contains(name) { return }
        throw PolicyError("there is no kernel \(name); mica kernels lists them")
    }

    /// Gradients have kernels of their own.
    private static let backwardNames = Set(
        all.flatMap { $0.samples }.flatMap { sample in sample.op.derivatives.flatMap { sample.op.backwardKernels($0.input).map(\.name) } })
}
