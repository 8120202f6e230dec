import RealModule
import Tensors

/// What a reference kernel computes with: Float or Double.
package typealias Scalar = Real & BinaryFloatingPoint & Sendable

/// One operation: a struct that holds its parameters (what is *meant*: ε, heads, cast order) and nothing else. How it is computed is a
/// kernel, how it is rounded is the policy. One op, one file.
package protocol Op: Sendable {
    /// Formula, one sentence, source.
    static var card: OpCard { get }
    /// Small cases that a table test runs: kernels against `reference`, expansion against kernel.
    static var samples: [OpSample] { get }

    /// The parameters in words, for the card on the screen.
    var parameters: [(name: String, value: String)] { get }
    /// Throws if the inputs do not fit, naming the axes.
    func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape
    /// Reads like the formula. Mandatory; every other kernel must agree with it.
    func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R>
    /// The same with the parts rounded that the architectures' code rounds.
    func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R>
    /// The same in fp64 on tensors, as `reference` gives it for Double: faster where an op knows how. What errors are measured against.
    func exact(_ inputs: [Tensor], threads: Int) throws -> Tensor
    /// The fast kernels, best first. Empty: `reference` is used.
    var kernels: [Kernel] { get }
    /// Other ways to the value, which run only where a rule names them.
    var variants: [Kernel] { get }
    /// Whether computing it again costs little beside the memory of its value: false for products with weights.
    var isRepeatedCheaply: Bool { get }
    /// A sum of products over an axis: what hardware multiplies in narrow formats and adds up in a wide one.
    var isProduct: Bool { get }
    /// A view shares its input's elements: it costs nothing and its statistics are the input's.
    var isView: Bool { get }
    /// What the element at `index` was computed from, one entry an input element that took part (the caller sorts).
    func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution]
    /// The op as a chain of smaller ones (what "step into" runs). `index` chooses a cell where the whole would be too much.
    /// Nil: there is nothing smaller.
    func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node?
    /// Floating-point operations and bytes moved, for the bench and the card.
    func cost(_ inputs: [Shape], output: Shape) -> Int
    /// What the screen says of this op; a gradient says what it is the gradient of.
    var card: OpCard { get }

    /// The backward beside the forward: one entry an input that has a derivative (ids and positions have none).
    var derivatives: [Derivative] { get }
    /// dL/d(input) from what the derivative reads, dL/d(output) last; `shape` is the input's. Reads like the formula, as `reference` does.
    func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R>
    /// The same with the parts rounded that autograd keeps in the run's format when it walks the architectures' code back.
    func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R>
    /// Fast kernels of the same, best first; they take what `backward` takes.
    func backwardKernels(_ input: Int) -> [Kernel]
    /// What is said of the one among them that brings no card of its own.
    func backwardCard(_ input: Int) -> KernelCard?
    /// What the element at `index` of a gradient was computed from: entries of the same values, dL/d(output) last.
    func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution]
    /// The derivative as a chain of smaller ops over the same values.
    func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node?
    /// Floating-point operations of the derivative.
    func backwardCost(_ input: Int, _ values: [Shape], shape: Shape) -> Int
    /// How many numbers its first fast kernel holds while it runs, beside those that it reads and those that it gives.
    func backwardScratch(_ input: Int, _ values: [Shape], shape: Shape, rounding: Rounding) -> Int
}

extension Op {
    package var parameters: [(name: String, value: String)] { [] }
    package var kernels: [Kernel] { [] }
    package var variants: [Kernel] { [inDouble] }
    package var isView: Bool { false }
    package var isProduct: Bool { false }
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> { reference(inputs) }
    package var isRepeatedCheaply: Bool { true }
    package func exact(_ inputs: [Tensor], threads: Int) throws -> Tensor {
        if isView, let view = kernels.first { return try view.run(inputs, outputShape(inputs.map(\.shape)), threads) }
        let result = reference(inputs.map { Dense<Double>($0) })
        return try Tensor(result.shape, doubles: result.values)
    }
    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] { [] }
    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? { nil }
    package func cost(_ inputs: [Shape], output: Shape) -> Int { output.elementCount }
    package var card: OpCard { Self.card }

    package var derivatives: [Derivative] { [] }
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> { Dense(shape) { _ in .nan } }
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape, rounding: Rounding) -> Dense<R> {
        backward(input, values, shape: shape)
    }
    package func backwardKernels(_ input: Int) -> [Kernel] { [] }
    package func backwardCard(_ input: Int) -> KernelCard? { nil }
    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] { [] }
    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? { nil }
    package func backwardCost(_ input: Int, _ values: [Shape], shape: Shape) -> Int { shape.elementCount }
    package func backwardScratch(_ input: Int, _ values: [Shape], shape: Shape, rounding: Rounding) -> Int { 0 }
}

extension Op {
    /// Whether −∞ in its value hides a key: a mask and no number, which no format rounds.
    package var hidesWithInfinity: Bool { self is AttentionScores }

    /// Whether it is so in what the op reads.
    var readsHidden: Bool { (self as? Softmax)?.mask != nil || (self as? Gradient)?.op.hidesWithInfinity == true }
}

/// What the screen and the documentation say of an op.
package struct OpCard: Sendable {
    package let name: String
    package let formula: String
    package let sentence: String
    /// Paper or standard the formula is from.
    package let source: String
    /// The name as a policy's rule writes it, behind `@`.
    package let ruleName: String

    package init(name: String, formula: String, sentence: String, source: String) {
        self.name = name
        ruleName = name.split(separator: " ").joined(separator: "-")
        self.formula = formula
        self.sentence = sentence
        self.source = source
    }
}

/// An op with inputs to try it on.
package struct OpSample: Sendable {
    package enum Input: Sendable {
        /// Standard normal numbers.
        case normal(Shape)
        /// Standard normal numbers, −∞ where the mask hides a key.
        case scores(Shape, AttentionMask)
        /// Integers in 0..<below.
        case ids(Int, below: Int)
        /// These integers.
        case integers([Int32])
        /// Positive numbers that add up to 1 along the last axis.
        case probabilities(Shape)
    }

    package let op: any Op
    package let inputs: [Input]

    package init(_ op: any Op, _ inputs: Input...) { self.init(op, inputs: inputs) }

    package init(_ op: any Op, inputs: [Input]) {
        self.op = op
        self.inputs = inputs
    }
}

/// One term of a number: `value` of an input's element times `weight` gives `term`, its share of the result.
package struct Contribution: Sendable {
    /// Which of the op's inputs.
    package let input: Int
    package let index: [Int]
    package let value: Double
    package let weight: Double
    package var term: Double { value * weight }

    package init(input: Int, index: [Int], value: Double, weight: Double) {
        self.input = input
        self.index = index
        self.value = value
        self.weight = weight
    }
}

/// Inputs that do not fit an op.
package struct ShapeError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package init(_ rule: String) { self.rule = rule }
    package var description: String { rule }
}

/// Every op, for the tables in tests and help.
package enum OpCatalogue {
    package static let all: [any Op.Type] = [
        Embedding.self,
        Linear.self,
        RMSNorm.self,
        LayerNorm.self,
        FrozenNorm.self,
        HeadView.self,
        RopeFrequencies.self,
        RopeTable.self,
        Rope.self,
        AppendCache.self,
        AttentionScores.self,
        Softmax.self,
        AttentionContext.self,
        Activation.self,
        Multiply.self,
        Add.self,
        AddScaled.self,
        Scale.self,
        SoftCap.self,
        Dropout.self,
        MovingAverage.self,
        AdamUpdate.self,
        CrossEntropy.self,
        Mean.self,
        HeadLoss.self,
        LossColumn.self,
        Sum.self,
        Constant.self,
        Map.self,
        Zip.self,
        Reduce.self,
        Cell.self,
        RunningSum.self,
        Slice.self,
        OneHot.self,
    ]

    /// Several steps as one: what kernels run, no step of a program.
    package static let fused: [any Op.Type] = [
        FusedAttention.self,
        BlockwiseAttention.self,
        GatedProduct.self,
        AddNorm.self,
        DirectRope.self,
    ]
}
