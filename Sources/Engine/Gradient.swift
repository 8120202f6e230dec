import Tensors

/// One row of an op's backward: which input it is the derivative for, what its formula reads, and how the formula was found.
package struct Derivative: Sendable {
    /// A value of the forward step that the formula reads; dL/d(output) is always read and not listed.
    package enum Read: Sendable, Hashable {
        case input(Int)
        case output
        /// The output before it was rounded to its format. Autograd keeps such a one where the architectures' code computes in fp32 and casts, or
        /// rounds once more behind what it keeps. It is not recorded, but made again by its op.
        case unrounded
    }

    package let input: Int
    package let reads: [Read]
    package let formula: String
    /// From the op's own formula to this one, a line a step.
    package let derivation: [String]

    package init(_ input: Int, reads: [Read], formula: String, derivation: [String]) {
        self.input = input
        self.reads = reads
        self.formula = formula
        self.derivation = derivation
    }
}

/// dL/d(input) of one forward step: a step of the reverse walk. Its inputs are what the derivative reads, then dL/d(output).
package struct Gradient: Op {
    package let op: any Op
    package let derivative: Derivative
    /// Of the input that it is the gradient of.
    package let shape: Shape

    package init(_ op: any Op, _ derivative: Derivative, shape: Shape) {
        self.op = op
        self.derivative = derivative
        self.shape = shape
    }

    package static let card = OpCard(
        name: "gradient", formula: "dL/dx = dL/dy · dy/dx", sentence: "One op of the reverse walk: the chain rule for one of its inputs.",
        source: "Rumelhart, Hinton and Williams 1986; Griewank and Walther 2008, section 3.2")
    package static let samples: [OpSample] = []
    package var card: OpCard {
        OpCard(name: "\(op.card.name) backward", formula: derivative.formula, sentence: Gradient.card.sentence, source: op.card.source)
    }
    package var parameters: [(name: String, value: String)] { op.parameters }
    /// The gradient of a sum is the same storage under another name.
    package var isView: Bool { kernels.first?.name == "view" }

    package var isProduct: Bool { op.isProduct }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        if inputs.count != derivative.reads.count + 1 {
            throw ShapeError("the gradient reads \(derivative.reads.count + 1) values, got \(inputs.count)")
        }
        return shape
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> { op.backward(derivative.input, inputs, shape: shape) }
    package func reference<R: Scalar>(_ inputs: [Dense<R>], rounding: Rounding) -> Dense<R> {
        op.backward(derivative.input, inputs, shape: shape, rounding: rounding)
    }
    package var kernels: [Kernel] {
        op.backwardKernels(derivative.input).map { $0.card == nil ? $0.described(by: op.backwardCard(derivative.input)) : $0 }
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        op.backwardContributions(derivative.input, at: index, values: inputs, gradient: output)
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        op.backwardExpansion(&graph, derivative.input, values: inputs, shape: shape, at: index)
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { op.backwardCost(derivative.input, inputs, shape: shape) }
}
