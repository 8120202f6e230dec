import Tensors

/// The reverse walk as a list of its own behind the forward one: steps like any other, whose values are named `grad:NAME`.
/// Reverse-mode differentiation: Griewank and Walther 2008, Evaluating Derivatives, section 3.2.
extension Graph {
    /// Appends the steps that lead from `loss` [1] back to every value that depends on a leaf of `leaves` (by name).
    /// Where several steps read a value, each gives a part, `grad:NAME via READER`, and the parts are summed.
    package mutating func differentiate(_ loss: Node, leaves: (Value) -> Bool, scale: Double = 1) {
        reverseStart = steps.count
        var walk = ReverseWalk(self, from: loss.id, leaves: leaves)
        walk.parts[loss.id] = [apply(Constant(scale, shape: loss.shape), [], as: "grad:\(values[loss.id].name)", role: .gradient)]
        for step in steps[..<(reverseStart ?? 0)].reversed() where walk.uses[step.output] != nil {
            guard let gradient = sum(of: step.output, walk) else { continue }
            for derivative in step.op.derivatives where derivative.input < step.inputs.count {
                let input = step.inputs[derivative.input]
                guard walk.uses[input] != nil else { continue }
                walk.parts[input, default: []].append(part(step, derivative, gradient, walk))
            }
        }
        for leaf in values.indices where values[leaf].step == nil && walk.uses[leaf] != nil { _ = sum(of: leaf, walk) }
    }

    /// One step's share of the gradient of one of its inputs.
    private mutating func part(_ step: Step, _ derivative: Derivative, _ gradient: Node, _ walk: ReverseWalk) -> Node {
        let input = step.inputs[derivative.input]
        let reads = derivative.reads.map { read in
            switch read {
            case .input(let number): Node(id: step.inputs[number], shape: values[step.inputs[number]].shape)
            case .output, .unrounded: Node(id: step.output, shape: values[step.output].shape)
            }
        }
        let alone = walk.uses[input] == 1
        var name = "grad:\(values[input].name)" + (alone ? "" : " via \(values[step.output].name)")
        while has(name) { name += "′" }
        let node = apply(Gradient(step.op, derivative, shape: values[input].shape), reads + [gradient], as: name, role: .gradient)
        mark(node, as: step.output)
        if alone { nameAliases(of: input, node) }
        return node
    }

    /// The gradient of a value whose readers have all given their part.
    private mutating func sum(of id: Int, _ walk: ReverseWalk) -> Node? {
        guard let parts = walk.parts[id], let first = parts.first else { return nil }
        guard parts.count > 1 else { return first }
        let total = apply(Sum(), parts, as: "grad:\(values[id].name)", role: .gradient)
        nameAliases(of: id, total)
        return total
    }

    private mutating func nameAliases(of id: Int, _ gradient: Node) {
        for alias in values[id].aliases { self.alias(gradient, as: "grad:\(alias)") }
    }
}

/// What has to be walked: the values between the leaves and the loss, and how often each is read on the way.
private struct ReverseWalk {
    /// Reads of a value by steps that lead to the loss; nil: no gradient wanted.
    private(set) var uses: [Int: Int] = [:]
    var parts: [Int: [Node]] = [:]

    init(_ graph: Graph, from loss: Int, leaves: (Value) -> Bool) {
        var depends = graph.values.map { $0.step == nil && leaves($0) }
        for step in graph.steps {
            depends[step.output] = ReverseWalk.differentiated(step).contains { depends[$0] }
        }
        guard depends[loss] else { return }
        uses[loss] = 0
        for step in graph.steps.reversed() where uses[step.output] != nil {
            for input in ReverseWalk.differentiated(step) where depends[input] { uses[input, default: 0] += 1 }
        }
    }

    private static func differentiated(_ step: Step) -> [Int] {
        step.op.derivatives.filter { $0.input < step.inputs.count }.map { step.inputs[$0.input] }
    }
}
