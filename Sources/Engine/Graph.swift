import Tensors

/// A value while a program is being built.
package struct Node: Sendable {
    package let id: Int
    package let shape: Shape
}

/// Builds a program in straight-line Swift. Building never throws: a mistake is recorded with its name, and `Program.init` lists all.
package struct Graph: Sendable {
    private(set) var values: [Value] = []
    private(set) var steps: [Step] = []
    private(set) var faults: [String] = []
    /// The first step of the reverse walk; nil if there is none.
    var reverseStart: Int?
    private var ids: [String: Int] = [:]
    /// By value: who put another op in the place of the architecture's own.
    private(set) var marks: [Int: [String]] = [:]
    /// Names are made under it: `model.layers.3.self_attn`.
    private var path: [String] = []
    /// Small matrices that stand beside large ones.
    private let adapter: LowRank?

    package init(adapter: LowRank? = nil) { self.adapter = adapter }

    /// Runs `body` with `name` appended to the path of every name made in it.
    package mutating func module<T>(_ name: String, _ body: (inout Graph) -> T) -> T {
        path.append(name)
        defer { path.removeLast() }
        return body(&self)
    }

    /// The current module's own name, or a name inside it.
    package func name(_ part: String = "") -> String { (path + (part.isEmpty ? [] : [part])).joined(separator: ".") }

    package mutating func input(_ name: String, _ shape: Shape, role: ValueRole = .input) -> Node { declare(name, shape, role) }

    /// A weight of the checkpoint under its Hugging Face name; asked for twice (tied), it is one value.
    package mutating func weight(_ part: String, _ shape: Shape) -> Node {
        let name = name(part)
        if let id = ids[name] { return check(Node(id: id, shape: values[id].shape), shape) }
        return declare(name, shape, .weight)
    }

    /// Appends a step whose value is `name` inside the current module.
    @discardableResult
    package mutating func apply(_ op: any Op, _ inputs: [Node], as part: String, role: ValueRole = .activation) -> Node {
        let name = name(part)
        let shape: Shape
        do throws(ShapeError) {
            shape = try op.outputShape(inputs.map(\.shape))
        } catch {
            faults.append("\(name): \(error.rule)")
            shape = inputs.first?.shape ?? Shape([])
        }
        let node = declare(name, shape, role, step: steps.count)
        steps.append(Step(op: op, inputs: inputs.map(\.id), output: node.id))
        return node
    }

    func has(_ name: String) -> Bool { ids[name] != nil }

    package func node(named name: String) -> Node? { ids[name].map { Node(id: $0, shape: values[$0].shape) } }

    /// Gives a value a second name in the current module (empty: the module's own name).
    package mutating func alias(_ node: Node, as part: String = "") {
        let name = name(part)
        guard ids[name] == nil else { return faults.append("\(name): the name is given twice") }
        ids[name] = node.id
        values[node.id].aliases.append(name)
    }

    /// x · Wᵀ + b: the only place where a matrix enters, so the only place where an adapter can.
    package mutating func linear(
        _ x: Node, _ part: String, output: Axis, bias: Bool = false, transposed: Bool = false, weight tied: Node? = nil
    ) -> Node {
        let input = Axis(.input, x.shape.rowLength)
        let rows = Axis(.output, output.count)
        let matrix = tied ?? weight("\(part).weight", transposed ? Shape([input, rows]) : Shape([rows, input]))
        let offset = bias ? [weight("\(part).bias", Shape([rows]))] : []
        let product = Linear(output: output, transposed: transposed)
        guard let adapter, let rank = adapter.ranks[name(part)] else { return apply(product, [x, matrix] + offset, as: part) }
        let base = apply(product, [x, matrix] + offset, as: "\(part).base_layer")
        return beside(base, x, part, adapter, rank: rank)
    }

    /// base + s · (drop(x) · Aᵀ) · Bᵀ, under the names that PEFT gives the parts.
    private mutating func beside(_ base: Node, _ x: Node, _ part: String, _ adapter: LowRank, rank: Int) -> Node {
        let low = Axis(.output, rank)
        var dropped = x
        if adapter.dropout > 0 {
            let key = node(named: LowRank.key) ?? input(LowRank.key, Shape((.item, 4)))
            dropped = apply(Dropout(rate: adapter.dropout, name: name(part)), [x, key], as: "\(part).lora_dropout")
        }
        let a = weight("\(part).lora_A.weight", Shape([low, Axis(.input, x.shape.rowLength)]))
        let b = weight("\(part).lora_B.weight", Shape([Axis(.output, base.shape.rowLength), Axis(.input, rank)]))
        let down = apply(Linear(output: Axis(.feature, rank)), [dropped, a], as: "\(part).lora_A")
        let up = apply(Linear(output: base.shape.axes[base.shape.rank - 1]), [down, b], as: "\(part).lora_B")
        return apply(AddScaled(scale: adapter.scale(name(part))), [base, up], as: part)
    }

    /// Puts another op of the same shape in the place of every one that `change` has one for; its name and what it reads stay, and its
    /// value is marked.
    package mutating func rewrite(mark: String, _ change: (any Op) -> (any Op)?) {
        for (number, step) in steps.enumerated() {
            guard let op = change(step.op) else { continue }
            steps[number] = Step(op: op, inputs: step.inputs, output: step.output)
            marks[step.output, default: []].append(mark)
        }
    }

    /// Marks a value whose op stays and whose shape or weight is another.
    package mutating func mark(named name: String, _ mark: String) {
        if let id = ids[name] { marks[id, default: []].append(mark) }
    }

    /// A derivative goes with the op that it is of.
    mutating func mark(_ node: Node, as other: Int) { marks[node.id] = marks[other] }

    /// Records a mistake; building goes on with `node`.
    package mutating func fault(_ node: Node, _ rule: String) -> Node {
        faults.append("\(values[node.id].name): \(rule)")
        return node
    }

    /// Of the last step, if it is a linear head without bias that wrote `logits`: its x and W, and the cap on the logits if one follows.
    package func head(_ logits: Node) -> (x: Node, weight: Node, cap: SoftCap?)? {
        let cap = steps.last.flatMap { $0.op is SoftCap && $0.output == logits.id ? $0 : nil }
        let output = cap?.inputs[0] ?? logits.id
        guard let head = steps.dropLast(cap == nil ? 0 : 1).last, head.output == output, let linear = head.op as? Linear,
            !linear.transposed, head.inputs.count == 2
        else { return nil }
        let inputs = head.inputs.map { Node(id: $0, shape: values[$0].shape) }
        return (inputs[0], inputs[1], cap?.op as? SoftCap)
    }

    /// Takes that step back, for `HeadLoss`. A cap on the logits goes only for a head of another kind (`withCap`).
    package mutating func withdrawHead(_ logits: Node, withCap: Bool) -> (x: Node, weight: Node)? {
        guard logits.id == values.count - 1, let head = head(logits), withCap || head.cap == nil else { return nil }
        if head.cap != nil { removeLastStep() }
        removeLastStep()
        return (head.x, head.weight)
    }

    private mutating func removeLastStep() {
        let gone = values.removeLast()
        marks[values.count] = nil
        for name in [gone.name] + gone.aliases { ids[name] = nil }
        steps.removeLast()
    }

    private mutating func declare(_ name: String, _ shape: Shape, _ role: ValueRole, step: Int? = nil) -> Node {
        if ids.updateValue(values.count, forKey: name) != nil { faults.append("\(name): the name is given twice") }
        values.append(Value(name: name, aliases: [], shape: shape, role: role, step: step))
        return Node(id: values.count - 1, shape: shape)
    }

    private mutating func check(_ node: Node, _ shape: Shape) -> Node {
        if node.shape.counts != shape.counts { faults.append("\(values[node.id].name): is \(node.shape) and wanted as \(shape)") }
        return node
    }
}
