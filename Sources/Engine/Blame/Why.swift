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
        if let found = try run.firstNonFinite.flatMap({ try run.nonFinite(in: $0) }) { return try Why(found, in: run) }
        if let trusted, let found = try firstWrong(in: run, trusted, interrupted) { return found }
        return try growth(in: run)
    }

    static func number(_ x: Double) -> String {
        if x.isNaN { return "NaN" }
        if x.isInfinite { return x < 0 ? "-Inf" : "+Inf" }
        return abs(x) < 1e-4 || abs(x) >= 1e6 ? "\(Float(x))" : "\((x * 1e5).rounded() / 1e5)"
    }

    static func name(_ run: Stepper, _ id: Int, _ index: [Int]) -> String { "\(run.program.values[id].name) \(index)" }
}

// MARK: what is no number
extension Why {
    /// What made it, in sentences. A weight or an input that is none is itself what was looked for.
    private init(_ found: NonFinite, in run: Stepper) throws {
        let head = "\(Why.name(run, found.value, found.index)) is \(Why.number(found.number)), the first that is not finite"
        if case .given(let value, let index, _, let original) = found.cause {
            let isTooLarge = original?.isFinite == true
            let sentences = [head, Why.leaf(value, index, original ?? .nan, run)] + (isTooLarge ? try Why.outlier(value, run) : [])
            self.init(kind: isTooLarge ? .overflow : .given, value: value, index: index, sentences: sentences)
            return
        }
        let (kind, sentences) = try Why.told(found, run)
        self.init(kind: kind, value: found.value, index: found.index, sentences: [head] + sentences)
    }

    private static func leaf(_ id: Int, _ index: [Int], _ original: Double, _ run: Stepper) -> String {
        let value = run.program.values[id]
        let read = "it read \(name(run, id, index))"
        if original.isFinite {
            let format = run.format(of: id)
            return "\(read), \(number(original)) in the file, which \(format) cannot hold: \(limit(format))"
        }
        if run.isEdited(id) { return "\(read), which was set by hand" }
        return "\(read), which is no finite number\(value.role == .weight ? " in the checkpoint" : "")"
    }

    private static func told(_ found: NonFinite, _ run: Stepper) throws -> (Kind, [String]) {
        let op = run.program.values[found.value].step.map { run.op(ofStep: $0) }
        let name = op?.card.name ?? "it"
        switch found.cause {
        case .edited: return (.given, ["it was set by hand"])
        case .given: return (.given, [])
        case .rounded(let exact, let format):
            let sentence = "\(name) is too large for \(format): on the same inputs the formula gives \(number(exact))"
            let weight = op is Linear ? run.program.values[found.value].step.map { run.program.steps[$0].inputs[1] } : nil
            return (.overflow, [sentence, limit(format)] + largest(found, run) + (try weight.map { try outlier($0, run) } ?? []))
        case .between(let format, let part, let size):
            let sentence = "a part of \(name) is too large for \(format): \(part ?? "its sum") reaches \(number(size))"
            return (.overflow, [sentence, limit(format)])
        case .hidden(let keys):
            return (.undefined, ["all \(keys) keys of its row are hidden: the largest score is -inf, and exp(-inf - -inf) is no number"])
        case .uncounted: return (.undefined, ["no token counts: the sum of none over their number is 0/0"])
        case .part(let part):
            let first = part.origins.last ?? part
            let sentence = "inside, \(first.name) is \(number(first.number))\(elementary(first).map { ": \($0)" } ?? "")"
            return found.exact?.isFinite == true ? (.overflow, [sentence, limit(first.format)]) : (.undefined, [sentence])
        case .operation(let part):
            if let exact = found.exact, exact.isFinite {
                return (.overflow, ["its kernel gives no finite number where the formula gives \(number(exact))"] + largest(found, run))
            }
            return (.undefined, [elementary(part) ?? "\(name) has no number for these inputs: \(op?.card.formula ?? "")"])
        }
    }

    private static func limit(_ format: NumberFormat) -> String { "the largest number of \(format) is \(number(format.maximum))" }

    /// The term that made it so large.
    private static func largest(_ found: NonFinite, _ run: Stepper) -> [String] {
        found.sources.prefix(1).map {
            "its largest term is \(name(run, $0.value, $0.index)) = \(number($0.number)) times \(number($0.weight))"
        }
    }

    /// Of a weight that is out of all proportion to the same one of other layers: by how much.
    private static func outlier(_ weight: Int, _ run: Stepper) throws -> [String] {
        guard let path = LayerPath(run.program.values[weight].name) else { return [] }
        func size(_ id: Int) throws -> Double { try run.given(id).map { try Statistics(of: $0, threads: run.policy.threads).rms } ?? 0 }
        let others = run.program.weights.filter { id in
            LayerPath(run.program.values[id].name).map { $0.rest == path.rest && $0.layer != path.layer } ?? false
        }
        let sizes = try others.map(size).sorted()
        guard !sizes.isEmpty, case let (own, usual) = (try size(weight), sizes[sizes.count / 2]), usual > 0, own > jump * usual else {
            return []
        }
        return ["\(run.program.values[weight].name) is \(number((own / usual).rounded())) times as large as in other layers (by its rms)"]
    }

    private static func elementary(_ part: NonFinite.Part) -> String? {
        let (x, y) = (part.operands.first ?? .nan, part.operands.last ?? .nan)
        switch part.op {
        case let map as Map where map.function == .log && x == 0: return "the logarithm of 0"
        case let map as Map where map.function == .reciprocalSquareRoot && x == 0: return "1 over the root of 0"
        case let zip as Zip where zip.function == .divide && y == 0: return "\(number(x)) divided by 0"
        case let reduce as Reduce where reduce.function == .mean && part.operands.isEmpty: return "the mean of nothing: 0/0"
        default: return nil
        }
    }
}
