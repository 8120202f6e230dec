import Tensors

/// What a value is to the model.
package enum ValueRole: String, Sendable {
    case weight, input, activation
    /// The stream that blocks add to: kept longest, everything else can be recomputed from it.
    case residual
    /// Keys and values of earlier tokens.
    case cache
    /// dL/d(value), a part of it, or a step of the optimizer.
    case gradient
}

/// A named value of a program. Its name is a public contract: the Hugging Face module path of the checkpoint's own architecture.
package struct Value: Sendable {
    package let name: String
    /// Other names of the same value: a module whose result is its last part's has both.
    package var aliases: [String]
    package let shape: Shape
    package let role: ValueRole
    /// The step that writes it; nil for weights and inputs.
    package let step: Int?

    /// The number after `layers.` or `h.`; nil outside the blocks.
    package var layer: Int? { LayerPath(name)?.layer }

    /// Whether it is one reader's share of a gradient, not the gradient itself.
    package var isPart: Bool { role == .gradient && name.contains(" via ") }
}

extension NamePattern {
    /// Whether a value has such a name. A part of a gradient goes under the gradient's name, unless the pattern names its reader too.
    package func matches(_ value: Value) -> Bool {
        guard value.isPart, !namesParts, let end = value.name.firstRange(of: " via ") else {
            return ([value.name] + value.aliases).contains(where: matches)
        }
        return matches(String(value.name[..<end.lowerBound]))
    }

    var namesParts: Bool { text.contains(" via ") }
}

/// One op with its operands.
package struct Step: Sendable {
    package let op: any Op
    package let inputs: [Int]
    package let output: Int
}

/// A model as data: values, each written once, and the steps that write them in order.
package struct Program: Sendable {
    package let values: [Value]
    package let steps: [Step]
    /// For each value the last step that reads it, −1 if none does.
    package let lastUse: [Int]
    /// For each step the values that nobody wants any more after it.
    private(set) var passing: [[Int]] = []
    /// For each product with a weight the weight that the product after it reads.
    let followingWeight: [Int?]
    let fixedShapes: [Shape?]
    /// Weights and inputs.
    package let leaves: [Int]
    /// What a pass is told of its tokens: no weights and no caches.
    package let inputs: [Int]
    /// Keys and values with this pass's own behind the earlier ones.
    package let caches: [Int]
    /// The inputs by which a pass gets earlier keys and values, with the caches of the pass before that hold them.
    package let pasts: [(leaf: Int, cache: Int)]
    /// Where the forward list ends and the reverse walk begins; the number of steps if there is no reverse walk.
    package let forwardCount: Int
    /// By value: what was put in the place of the architecture's own op, and by whom.
    package let marks: [Int: [String]]
    /// What a forward run is for.
    private let logits: Int?
    private let index: [String: Int]

    /// Throws one error that lists every shape mistake made while building.
    package init(_ graph: Graph) throws(ProgramError) {
        if !graph.faults.isEmpty { throw ProgramError(faults: graph.faults) }
        values = graph.values
        steps = graph.steps
        marks = graph.marks
        forwardCount = graph.reverseStart ?? graph.steps.count
        var last = [Int](repeating: -1, count: values.count)
        for (number, step) in steps.enumerated() { for input in step.inputs { last[input] = number } }
        lastUse = last
        followingWeight = Program.followingWeights(graph)
        fixedShapes = Program.fixedShapes(graph)
        leaves = values.indices.filter { graph.values[$0].step == nil }
        inputs = leaves.filter { ![.weight, .cache].contains(graph.values[$0].role) }
        caches = values.indices.filter { graph.values[$0].role == .cache && graph.values[$0].step != nil }
        var index: [String: Int] = [:]
        for (id, value) in values.enumerated() { for name in [value.name] + value.aliases { index[name] = id } }
        self.index = index
        logits = index["logits"]
        pasts = caches.compactMap { id in index["\(graph.values[id].name).past"].map { (leaf: $0, cache: id) } }
        passing = steps.enumerated().map { number, step in step.inputs.filter { lastUse[$0] == number && isPassing($0) } }
    }

    private static func followingWeights(_ graph: Graph) -> [Int?] {
        var (latest, found): (Int?, [Int?]) = (nil, [])
        for step in graph.steps.reversed() {
            let weight = step.op.isRepeatedCheaply ? nil : step.inputs.first { graph.values[$0].role == .weight }
            found.append(weight == nil ? nil : latest)
            latest = weight ?? latest
        }
        return found.reversed()
    }

    package func id(of name: String) -> Int? { index[name] }

    /// The shape of each step's value, nil where it changes as the caches grow.
    private static func fixedShapes(_ graph: Graph) -> [Shape?] {
        var grown: [Int: Shape] = [:]
        for (id, value) in graph.values.enumerated() where value.role == .cache && value.step == nil && value.shape.rank == 3 {
            grown[id] = Shape([value.shape.axes[0], Axis(.token, value.shape[1] + 1), value.shape.axes[2]])
        }
        return graph.steps.map { step in
            let shape = graph.values[step.output].shape
            guard step.inputs.contains(where: { grown[$0] != nil }) else { return shape }
            let other = try? step.op.outputShape(step.inputs.map { grown[$0] ?? graph.values[$0].shape })
            if let other, other == shape { return shape }
            grown[step.output] = other ?? shape
            return nil
        }
    }

    /// Values that match, weights last, in running order.
    package func ids(matching pattern: NamePattern) -> [Int] {
        values.indices.filter { id in ([values[id].name] + values[id].aliases).contains(where: pattern.matches) }
    }

    package var weights: [Int] { values.indices.filter { values[$0].role == .weight } }

    /// The product with the vocabulary's matrix that makes the logits, before a cap; nil if they are made otherwise.
    package var headStep: Step? {
        guard let logits = id(of: "logits"), let number = values[logits].step else { return nil }
        let capped = steps[number].op is SoftCap ? values[steps[number].inputs[0]].step : number
        return capped.map { steps[$0] }.flatMap { $0.op is Linear ? $0 : nil }
    }

    package var hasBackward: Bool { forwardCount < steps.count }

    /// Whether nobody wants a value after its last reader: caches feed the next pass, logits are what a forward run is for.
    func isPassing(_ id: Int) -> Bool {
        values[id].step != nil && values[id].role != .cache && (hasBackward || logits != id)
    }

    /// The gradient of a value, if the reverse walk makes one.
    package func gradient(of id: Int) -> Int? { index["grad:\(values[id].name)"] }

    /// The steps that read a value.
    package func consumers(of id: Int) -> [Int] { steps.indices.filter { steps[$0].inputs.contains(id) } }

    /// The value at whose op a step works: its own, or in the reverse walk the output (`grad:NAME`) of the op that is walked back.
    package func site(ofStep step: Int) -> String {
        let step = steps[step]
        let isPart = step.op is Gradient
        return values[(isPart ? step.inputs.last : nil) ?? step.output].name
    }

    /// The module that a step belongs to: its site's name without the last part.
    package func block(ofStep step: Int) -> String {
        let name = site(ofStep: step)
        guard let dot = name.lastIndex(of: ".") else { return "" }
        return String(name[..<dot])
    }

    /// How many blocks the model has.
    package var layerCount: Int { (values.compactMap(\.layer).max() ?? -1) + 1 }
}

package struct ProgramError: Error, CustomStringConvertible, Sendable {
    package let faults: [String]
    package var description: String { faults.joined(separator: "; ") }
}

/// `model.layers.3.self_attn.q_proj` taken apart.
package struct LayerPath: Sendable {
    package let layer: Int
    /// What stands before the number, with its dot, and after it, without.
    package let prefix: String
    package let rest: String

    package init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard let at = parts.firstIndex(where: { Int($0) != nil }), at > 0, let layer = Int(parts[at]) else { return nil }
        self.layer = layer
        prefix = parts[..<at].joined(separator: ".") + "."
        rest = parts[(at + 1)...].joined(separator: ".")
    }
}
