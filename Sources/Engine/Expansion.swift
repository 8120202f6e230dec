import Tensors

/// An op taken apart: a small program over the op's own inputs, and a stepper at its start. What "step into" runs.
package struct Expansion: Sendable {
    package var stepper: Stepper
    /// The value of the inner program that is the op's own (or its cell's).
    package let result: Int
    /// The cell that was chosen, or nil if the whole value is made.
    package let cell: [Int]?

    /// Nil if the op has nothing smaller inside.
    package init?(_ op: any Op, inputs: [Tensor], at index: [Int], policy: Policy) throws {
        var graph = Graph()
        let nodes = inputs.enumerated().map { graph.input("input \($0.offset)", $0.element.shape) }
        guard let result = op.expansion(&graph, inputs: nodes, at: index) else { return nil }
        let program = try Program(graph)
        let bindings = Dictionary(uniqueKeysWithValues: zip(nodes.map(\.id), inputs))
        stepper = try Stepper(program, policy: policy, keep: .all(budget: .max), bindings: bindings)
        self.result = result.id
        let whole = try op.outputShape(inputs.map(\.shape)).elementCount
        cell = result.shape.elementCount == 1 && whole > 1 ? index : nil
    }
}

extension Graph {
    /// Σ a[i]·b[i] with all that leads to it: the products, and the sum as it grows by fused multiply-adds, in the order of the axis.
    mutating func dotProduct(_ a: Node, _ b: Node, as name: String = "sum") -> Node {
        apply(Zip(.multiply), [a, b], as: "products")
        let sums = apply(RunningSum(), [a, b], as: "running sum")
        return apply(Cell(prefix: [max(a.shape.elementCount - 1, 0)]), [sums], as: name)
    }
}

extension Stepper {
    /// The op that runs next, or the one that wrote `id`, taken apart; its inputs must have been computed. The parts of an op are fp32, whatever
    /// its value is rounded to, unless another format is wanted of them.
    package func expansion(of id: Int, at index: [Int], in format: Policy.Preset = .fp32) throws -> Expansion? {
        guard let number = program.values[id].step else { return nil }
        guard let inputs = try readings(of: number) else { return nil }
        return try Expansion(op(ofStep: number), inputs: inputs, at: index, policy: Policy(format, threads: policy.threads))
    }
}
