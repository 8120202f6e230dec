import Tensors

/// One way to compute an op.
package struct Kernel: Sendable {
    /// The name of the formula itself, which every op has.
    package static let reference = "reference"

    package let name: String
    /// Nil: it computes the formula of its op, and there is no more to say.
    package private(set) var card: KernelCard?
    /// The format in which the kernel reads its inputs, or those that its card names, whatever they are in; nil: as they are.
    package var inputs: NumberFormat?
    /// Whether it rounds what it gives to the format of the parts, so that nobody need read all of it once more.
    package var roundsOutput = false
    /// The op whose function it is, where that is another function than its op's: such a kernel changes what is meant.
    package private(set) var meaning: (any Op)?
    /// Where it computes several steps in one: what it reads, if the program has those steps before this one.
    package private(set) var fusion: (@Sendable (Step, Program) -> Fusion?)?
    let body: Body

    /// inputs, output shape, how to compute → the value.
    typealias Body = @Sendable ([Tensor], Shape, Arithmetic) throws -> Tensor

    /// inputs, output shape, threads → the value, of an op that rounds nothing between its parts.
    package init(_ name: String, _ card: KernelCard? = nil, run: @escaping @Sendable ([Tensor], Shape, Int) throws -> Tensor) {
        self.init(rounding: name, card) { inputs, shape, arithmetic in try run(inputs, shape, arithmetic.threads) }
    }

    /// The same where the parts are rounded as the arithmetic says.
    package init(
        rounding name: String, _ card: KernelCard? = nil, roundsOutput: Bool = false,
        _ body: @escaping @Sendable ([Tensor], Shape, Arithmetic) throws -> Tensor
    ) {
        self.name = name
        self.roundsOutput = roundsOutput
        self.card = card
        self.body = body
    }

    /// Written on plain arrays of fp32 numbers, one thread.
    init(
        plain name: String, _ card: KernelCard, inputs format: NumberFormat? = nil,
        _ body: @escaping @Sendable ([Dense<Float>], Rounding) -> Dense<Float>
    ) {
        self.init(rounding: name, card) { inputs, _, arithmetic in
            let value = body(inputs.map { Dense<Float>($0) }, arithmetic.rounding)
            return try Tensor(value.shape, value.values)
        }
        inputs = format
    }

    /// The kernel of another op in this one's place.
    init(_ name: String, _ card: KernelCard, meaning: any Op) {
        self.init(rounding: name, card) { inputs, shape, arithmetic in
            if let kernel = meaning.kernels.first { return try kernel.run(inputs, shape, arithmetic) }
            let value = meaning.reference(inputs.map { Dense<Float>($0) }, rounding: arithmetic.rounding)
            return try Tensor(value.shape, value.values)
        }
        self.meaning = meaning
    }

    /// Several steps in one.
    init(_ name: String, _ card: KernelCard, fusion: @escaping @Sendable (Step, Program) -> Fusion?) {
        self.init(name, card) { _, _, _ in throw ShapeError("\(name) reads what the steps before its own read") }
        self.fusion = fusion
    }

    func described(by card: KernelCard?) -> Kernel {
        var kernel = self
        kernel.card = card
        return kernel
    }

    package func run(_ inputs: [Tensor], _ shape: Shape, _ threads: Int) throws -> Tensor {
        try run(inputs, shape, Arithmetic(threads: threads))
    }

    package func run(_ inputs: [Tensor], _ shape: Shape, _ arithmetic: Arithmetic) throws -> Tensor { try body(inputs, shape, arithmetic) }
}

/// What the screen and the documentation say of a kernel.
package struct KernelCard: Sendable {
    /// What it does, in a line.
    package let sentence: String
    /// The formula as it computes it, or the order in which it adds up.
    package let order: String
    package let source: String
    /// Where its rounding differs from the reference's.
    package let rounding: String
    /// Numbers for which it fails although the formula does not; nil: none.
    package let fails: String?
    /// What its sums are kept in until they are complete.
    package let sums: NumberFormat

    package init(
        _ sentence: String, order: String, rounding: String, source: String, fails: String? = nil, sums: NumberFormat = .fp32
    ) {
        self.sentence = sentence
        self.order = order
        self.source = source
        self.rounding = rounding
        self.fails = fails
        self.sums = sums
    }

    /// Of the kernel that every op has.
    package static func reference(_ op: any Op) -> KernelCard {
        KernelCard(
            "The formula as it is written, one number after the other, on one thread.", order: op.card.formula,
            rounding: "the measure for the others", source: op.card.source)
    }
}

/// Several steps that one kernel computes at once. The values between them are still made, by their own steps.
package struct Fusion: Sendable {
    /// What the steps are together.
    package let op: any Op
    /// The values that it reads.
    package let inputs: [Int]
    /// The values that it does not read, though its step does.
    package let between: [Int]

    package init(_ op: any Op, inputs: [Int], between: [Int]) {
        self.op = op
        self.inputs = inputs
        self.between = between
    }
}

extension Op {
    /// Every kernel beside the reference, first the one that runs where nothing is said.
    package var allKernels: [Kernel] { kernels + variants }

    /// Nil if there is none of that name, or it is the reference.
    package func kernel(named name: String) -> Kernel? { allKernels.first { $0.name == name } }

    /// The formula in double precision, rounded to fp32 once.
    package var inDouble: Kernel {
        let card = KernelCard(
            "The formula in double precision, and one rounding at its end.", order: self.card.formula,
            rounding: "once, to the nearest fp32 number; the others are measured by it", source: "IEEE 754-2019, binary64", sums: .fp64)
        return Kernel(rounding: "double", card) { inputs, _, arithmetic in
            let value = reference(inputs.map { Dense<Double>($0) }, rounding: arithmetic.rounding)
            return try Tensor(value.shape, value.values.map { Float($0) })
        }
    }
}

extension Program {
    /// The kernels that a step may be computed by, beside the reference.
    package func kernels(of step: Step) -> [Kernel] { step.op.allKernels.filter { $0.fusion == nil || $0.fusion?(step, self) != nil } }

    func kernel(named name: String, of step: Step) -> Kernel? {
        step.op.kernel(named: name).flatMap { $0.fusion == nil || $0.fusion?(step, self) != nil ? $0 : nil }
    }

    /// The step that writes a value, if its op is of this type.
    func step<T: Op>(writing id: Int, _ type: T.Type) -> (step: Step, op: T)? {
        values[id].step.flatMap { number in (steps[number].op as? T).map { (steps[number], $0) } }
    }
}
