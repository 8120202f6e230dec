import Tensors

/// How each op is computed and rounded; of the rules that match a value the last one that says something counts. The only place that knows
/// precision, and the stepper is its only reader.
package struct Policy: Sendable {
    package var rules: [Rule] = []
    /// Rules that were added while the model was open; they come after the others, and what they change is marked.
    package var live: [Rule] = []
    /// How many threads may work on one op. Values do not depend on it.
    package var threads: Int

    package init(rules: [Rule] = [], threads: Int = 2) {
        self.rules = rules
        self.threads = max(1, threads)
    }

    /// What the rules say of a value, resolved once when a program is taken up. `op` is the one that writes it; nil for weights and inputs.
    package func choice(for value: Value, op: (any Op)?) -> Choice { choice(for: value, op) { op?.kernel(named: $0) } }

    private func choice(for value: Value, _ op: (any Op)?, _ kernel: (String) -> Kernel?) -> Choice {
        var choice = Choice(kernel: op?.kernels.first)
        guard !isPlain else { return choice }
        let names = value.policyNames
        for rule in rules where rule.selector.matches(names, op: op) { choice.take(rule, kernel) }
        let own = choice
        for rule in live where rule.selector.matches(names, op: op) { choice.take(rule, kernel) }
        choice.isOwn = choice.isSame(as: own)
        (choice.ownKernel, choice.ownFormat) = (own.kernelName, own.format)
        return choice
    }

    /// Whether a rule asks for the processor's products of bf16 numbers.
    package var multipliesBF16: Bool {
        (rules + live).contains { rule in rule.kernel.map { Linear.narrowKernels.contains($0) } ?? false }
    }

    /// Whether everything is fp32 by the best kernels.
    var isPlain: Bool { rules.isEmpty && live.isEmpty }

    /// Of every step of a program.
    func choices(for program: Program) -> [Choice] {
        var formats = program.values.map { $0.step == nil ? choice(for: $0, op: nil).format : .fp32 }
        var choices: [Choice] = []
        choices.reserveCapacity(program.steps.count)
        for step in program.steps {
            let value = program.values[step.output]
            var choice = choice(for: value, step.op) { program.kernel(named: $0, of: step) }
            if value.role == .gradient, !setsGradient(value), let own = value.policyNames.compactMap(program.id(of:)).last {
                choice.format = formats[own]
            }
            formats[step.output] = choice.format
            choice.unrounded = Policy.unrounded(step, formats)
            choice.isShared = step.op.isView || step.op is AppendCache
            choice.isCopy = choice.isShared && step.inputs.allSatisfy { formats[$0] == choice.format }
            choice.deputy = isPlain ? nil : Deputy(choice.kernel, step, program) ?? Deputy(ofGradient: step, program, choices)
            choices.append(choice.resolved())
        }
        return choices
    }

    /// Whether a rule speaks of the gradient itself and not of the value that it is the gradient of.
    private func setsGradient(_ value: Value) -> Bool {
        (rules + live).contains { rule in
            switch rule.selector {
            case .names(let pattern): rule.format != nil && pattern.text.hasPrefix("grad:") && pattern.matches(value)
            case .value(let name): rule.format != nil && name == value.name
            case .op: false
            }
        }
    }

    package struct Choice: Sendable {
        package var format = NumberFormat.fp32
        /// To which the op's inputs are rounded before it runs; nil: they stay as they are.
        package var inputs: NumberFormat?
        /// Of the sums of a product; nil: fp32, rounded by the chain of fused multiply-adds alone.
        package var accumulation: NumberFormat?
        /// Nil: the reference kernel.
        package var kernel: Kernel?

        /// Whether no live rule has changed anything.
        package var isOwn = true
        /// The kernel and the format without live rules; nil: there are no rules.
        package var ownKernel: String?
        package var ownFormat: NumberFormat?
        /// What runs in the op's place.
        package internal(set) var deputy: Deputy?
        /// Whether what the op shows may be another value's: a view or a cache.
        var isShared = false
        /// Whether the op only takes over numbers that are in the format.
        var isCopy = false
        /// Which inputs the op reads as they were before they were rounded to their formats.
        var unrounded: [Int] = []
        /// Whether what comes out is rounded to the format, and not the parts alone.
        private(set) var rounds = true
        private(set) var rounding = Rounding.none

        package init(kernel: Kernel? = nil) { self.kernel = kernel }

        package var kernelName: String { kernel?.name ?? Kernel.reference }

        /// What computes in the end. Of an op that another one stands in for, that one's first.
        var runner: Kernel? { deputy.map { $0.op.kernels.first } ?? kernel }

        /// The same for an op that is given its own inputs and not those of several steps.
        func alone(_ op: any Op) -> Choice {
            guard deputy?.inputs != nil else { return self }
            var choice = self
            (choice.kernel, choice.deputy) = (op.kernels.first, nil)
            return choice.resolved()
        }

        /// The same without the rounding at the end.
        func partsOnly() -> Choice {
            var choice = self
            choice.rounds = false
            return choice
        }

        /// With everything that follows from the formats found out, which is not to be done at every step of a long decoding.
        func resolved() -> Choice {
            var choice = self
            choice.rounding = Rounding(format: format, accumulation: accumulation)
            return choice
        }

        /// Whether what computes gives numbers that are in the format.
        func isRounded(_ op: any Op) -> Bool { rounding.format != nil && runner?.roundsOutput == true && !isByFormula(op) }

        /// Whether the precision is more than kernels have, so that the formula runs whatever kernel is named.
        func isByFormula(_ op: any Op) -> Bool {
            isDouble || op.isProduct && (accumulation == .fp64 || rounding.accumulation != nil)
        }

        /// Only formulas are generic over the width of numbers.
        var isDouble: Bool { format == .fp64 }

        mutating func take(_ rule: Rule, _ kernel: (String) -> Kernel?) {
            if let format = rule.format { self.format = format }
            if let inputs = rule.inputs { self.inputs = inputs }
            if let accumulation = rule.accumulation { self.accumulation = accumulation }
            guard let name = rule.kernel else { return }
            if name == Kernel.reference { self.kernel = nil } else { self.kernel = kernel(name) ?? self.kernel }
        }

        /// Whether the same bits come of the same inputs.
        func isSame(as other: Choice) -> Bool {
            format == other.format && inputs == other.inputs && accumulation == other.accumulation && kernelName == other.kernelName
                && deputy?.description == other.deputy?.description
        }
    }
}

extension Policy {
    /// Which values a rule is for.
    package enum Selector: Sendable, Hashable {
        case names(NamePattern)
        /// This value alone (and its gradient).
        case value(String)
        /// By the op that writes them: its card's name with `-` for blanks, or `products`. A gradient goes with the op it is walked through.
        case op(String)

        func matches(_ names: [String], op: (any Op)?) -> Bool {
            switch self {
            case .names(let pattern): return names.contains(where: pattern.matches)
            case .value(let name): return names.contains(name)
            case .op(let name):
                guard let op else { return false }
                let forward = (op as? Gradient)?.op ?? op
                return name == "products" ? forward.isProduct : name == type(of: forward).card.ruleName
            }
        }
    }

    /// One line of a policy. What is nil is left as earlier rules have it.
    package struct Rule: Sendable, Hashable {
        package let selector: Selector
        /// To which the value is rounded.
        package var format: NumberFormat?
        package var inputs: NumberFormat?
        package var accumulation: NumberFormat?
        package var kernel: String?
        /// Where it was written.
        package var origin = Origin()

        package init(_ selector: Selector, format: NumberFormat? = nil) {
            self.selector = selector
            self.format = format
        }

        package init(pattern: NamePattern, format: NumberFormat? = nil, kernel: String? = nil) {
            self.init(.names(pattern), format: format)
            self.kernel = kernel
        }
    }
}

extension Value {
    /// The names by which rules find it: a gradient also goes by those of its value, since it has that value's format.
    var policyNames: [String] {
        let all = [name] + aliases
        guard role == .gradient else { return all }
        return all
            + all.compactMap { name in
                guard name.hasPrefix("grad:") else { return nil }
                let own = name.dropFirst(5)
                return String(own.firstRange(of: " via ").map { own[..<$0.lowerBound] } ?? own)
            }
    }
}
