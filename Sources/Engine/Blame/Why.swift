import Tensors

/// Where a bad number, or a bad loss, began: the first value in running order that is no number where its inputs are, or that is not what its
/// op gives on its inputs, or at which the stream grows out of bounds.
package struct Why: Sendable {
    package enum Kind: String, Sendable {
        /// A weight or an input is no number, or not what the file has.
        case given
        /// The formula's number is beyond the format.
        case overflow
        /// The formula itself has none: 0/0, log 0, a row with every key hidden.
        case undefined
        /// It is a number, and not the op's.
        case wrong
        /// The op's own, and far more than in other layers.
        case growth
    }

    package let kind: Kind
    package let value: Int
    package let index: [Int]
    /// What happened, with numbers.
    package let sentences: [String]

    /// Nil if every number is one and what it should be. `trusted` is a run of the model as it is meant, over the same tokens, with the
    /// weights of the file; without it only the run itself is looked at.
    package static func find(in run: Stepper, trusted: Stepper? = nil, interrupted: () -> Bool = { false }) throws -> Why? {
        if let found = try firstNonFinite(in: run) { return found }
        if let trusted, let found = try firstWrong(in: run, trusted, interrupted) { return found }
        return try growth(in: run)
    }

    static func number(_ x: Double) -> String { abs(x) < 1e-4 || abs(x) >= 1e6 ? "\(Float(x))" : "\((x * 1e5).rounded() / 1e5)" }

    static func name(_ run: Stepper, _ id: Int, _ index: [Int]) -> String { "\(run.program.values[id].name) \(index)" }
}

// MARK: what is no number
extension Why {
    /// The first value of the forward and the reverse walk that has NaN or an infinity; −∞ in scores is a hidden key.
    private static func firstNonFinite(in run: Stepper) throws -> Why? {
        for (number, step) in run.program.steps[..<run.cursor].enumerated() {
            if let known = run.statistics(step.output), known.nan + known.positiveInfinity + known.negativeInfinity == 0 { continue }
            guard let tensor = try run.tensor(step.output) else { continue }
            let isHidden = step.op is AttentionScores
            guard let at = tensor.floats().firstIndex(where: { !$0.isFinite && !(isHidden && $0 == -.infinity) }) else { continue }
            return try explain(number, tensor.shape.index(at: at), in: run)
        }
        return nil
    }

    private static func explain(_ number: Int, _ index: [Int], in run: Stepper) throws -> Why {
        let step = run.program.steps[number]
        let found = try run.tensor(step.output)?.value(at: index) ?? .nan
        let head = "\(name(run, step.output, index)) is \(found): the first number that is none"
        if run.isEdited(step.output) {
            return Why(kind: .given, value: step.output, index: index, sentences: [head, "it was set by hand"])
        }
        if let given = try given(number, index, in: run) { return Why(given, after: head) }
        let inputs = try step.inputs.map { try run.value($0) }
        let exact = try run.exact(number, inputs).value(at: index) ?? .nan
        guard exact.isFinite else {
            return Why(
                kind: .undefined, value: step.output, index: index, sentences: [head, try undefined(number, index, inputs, in: run)])
        }
        let format = run.format(of: step.output)
        let place = abs(exact) > format.maximum ? "" : "a part of "
        let sentences = [
            head, "\(place)\(step.op.card.name) is too large for \(format): on the same inputs the formula gives \(self.number(exact))",
            "the largest number of \(format) is \(self.number(format.maximum))",
        ]
        return Why(kind: .overflow, value: step.output, index: index, sentences: sentences + (try largest(step.output, index, in: run)))
    }

    private init(_ given: Why, after head: String) {
        self.init(kind: given.kind, value: given.value, index: given.index, sentences: [head] + given.sentences)
    }

    /// The terms that made it so large.
    private static func largest(_ id: Int, _ index: [Int], in run: Stepper) throws -> [String] {
        guard let source = try run.lineage(of: id, at: index)?.sources.first else { return [] }
        return ["its largest term is \(name(run, source.value, source.index)) = \(number(source.number)) times \(number(source.weight))"]
    }

    /// A weight or an input that the element read and that is no number.
    private static func given(_ number: Int, _ index: [Int], in run: Stepper) throws -> Why? {
        let step = run.program.steps[number]
        let sources = try run.lineage(of: step.output, at: index)?.sources ?? []
        let isLeaf = { (id: Int) in run.program.values[id].step == nil }
        // What is hidden from a softmax is −∞ by design.
        let isBad = { (number: Double) in !number.isFinite && !(step.op is Softmax && number == -.infinity) }
        if let source = sources.first(where: { isBad($0.number) && isLeaf($0.value) }) {
            return leaf(source.value, source.index, in: run)
        }
        for id in step.inputs where isLeaf(id) {
            guard let tensor = try run.tensor(id), tensor.type.isFloat, let at = tensor.floats().firstIndex(where: { isBad(Double($0)) })
            else {
                continue
            }
            return leaf(id, tensor.shape.index(at: at), in: run)
        }
        return nil
    }

    private static func leaf(_ id: Int, _ index: [Int], in run: Stepper) -> Why {
        let value = run.program.values[id]
        let original = run.given(id)?.value(at: index) ?? .nan
        let rounded = original.isFinite ? "; the file has \(number(original)), which \(run.format(of: id)) cannot hold" : ""
        let sentence = "it read \(name(run, id, index)), which is no number\(value.role == .weight ? " in the checkpoint" : "")\(rounded)"
        return Why(kind: original.isFinite ? .overflow : .given, value: id, index: index, sentences: [sentence])
    }

    /// What inside the op has no result.
    private static func undefined(_ number: Int, _ index: [Int], _ inputs: [Tensor], in run: Stepper) throws -> String {
        let op = run.op(ofStep: number)
        switch op {
        case is Softmax:
            let row = (0..<inputs[0].shape.rowLength).map { inputs[0].value(at: index.dropLast() + [$0]) ?? .nan }
            if row.allSatisfy({ $0 == -.infinity }) {
                return "all \(row.count) keys of its row are hidden: the largest score is -inf, and exp(-inf - -inf) is no number"
            }
        case let mean as Mean where !mean.isShare:
            if inputs[1].doubles().allSatisfy({ $0 < 0 }) { return "no token counts: the sum of none over their number is 0/0" }
        default: break
        }
        return try inside(number, index, in: run) ?? "\(op.card.name) has no number for these inputs: \(op.card.formula)"
    }

    /// The first small step of the op that has no result though all that it reads are numbers.
    private static func inside(_ number: Int, _ index: [Int], in run: Stepper) throws -> String? {
        let op = run.op(ofStep: number)
        var inner = try run.expansion(of: run.program.steps[number].output, at: index)?.stepper
        while inner?.isFinished == false { try inner?.step() }
        guard let inner else { return try elementary(op, index, run.program.steps[number].inputs.map { try run.value($0) }) }
        for step in inner.program.steps {
            guard let tensor = try inner.tensor(step.output), let at = tensor.floats().firstIndex(where: { !$0.isFinite }) else { continue }
            let words = try elementary(step.op, tensor.shape.index(at: at), step.inputs.map { try inner.value($0) })
            return "inside, \(inner.program.values[step.output].name) is \(tensor.floats()[at])\(words.map { ": \($0)" } ?? "")"
        }
        return nil
    }

    private static func elementary(_ op: any Op, _ index: [Int], _ inputs: [Tensor]) -> String? {
        let x = inputs.first?.value(at: index) ?? .nan
        switch op {
        case let map as Map where map.function == .log && x == 0: return "the logarithm of 0"
        case let map as Map where map.function == .reciprocalSquareRoot && x == 0: return "1 over the root of 0"
        case let zip as Zip where zip.function == .divide:
            let divisors = inputs[1].doubles()
            return divisors.contains(0) ? "\(number(x)) divided by 0" : nil
        case let reduce as Reduce where reduce.function == .mean && inputs[0].shape.rowLength == 0: return "the mean of nothing: 0/0"
        default: return nil
        }
    }
}
