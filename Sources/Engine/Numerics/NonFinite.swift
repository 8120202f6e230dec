import Tensors

/// A NaN or an infinity that was computed from finite numbers, or from what was given, with what made it. The Numerics screen, `mica numerics`
/// and the search for the first bad value (`Why`) all have it from here.
package struct NonFinite: Sendable {
    package enum Cause: Sendable {
        /// An edit put it there.
        case edited
        /// An element of a weight or an input; `original` is what was rounded to its format.
        case given(value: Int, index: [Int], number: Double, original: Double?)
        /// The op's number before rounding is finite, and too large for the format.
        case rounded(exact: Double, format: NumberFormat)
        /// An operation inside the op, by the name it has there.
        case part(Part)
        /// A part's number, or the running sum, is rounded to a format that ends before it; the part is named where it is known.
        case between(NumberFormat, part: String?, number: Double)
        /// So many keys, and the mask hides every one of them: there is nothing to share out.
        case hidden(keys: Int)
        /// The mean of a text of which no token counts.
        case uncounted
        /// The op itself, which has nothing smaller inside.
        case operation(Part)
    }

    /// One elementary operation with its numbers.
    package struct Part: Sendable {
        package let name: String
        package let op: any Op
        package let number: Double
        package let operands: [Double]
        /// What it was computed in: fp64 where the formula itself has no finite number, else what the kernel computes in.
        package let format: NumberFormat
        /// What made its infinite operand, if it has one, and so on.
        package let origins: [Part]
    }

    package let value: Int
    package let index: [Int]
    package let number: Double
    /// How many elements of the value are NaN or infinite, of so many.
    package let count: Int
    package let elements: Int
    /// What the number was computed from, largest terms first; not all if there are many.
    package let sources: [Lineage.Source]
    package let sourceCount: Int
    package let cause: Cause
    /// The op's own number on the same inputs in fp64; nil if it is not known.
    package let exact: Double?
    /// How many of the values computed since have some.
    package let spread: Int
    package let later: Int

    static let sourceLimit = 8
}

extension Stepper {
    /// Why the first number of a value that is not finite is not; nil if all are.
    package func nonFinite(in id: Int) throws -> NonFinite? {
        guard let number = program.values[id].step, let tensor = try tensor(id), let known = numerics(of: id), known.faults > 0,
            let index = nonFiniteIndex(tensor, id)
        else { return nil }
        let lineage = try lineage(of: id, at: index)
        let sources = lineage?.sources ?? []
        let after = program.steps[(number + 1)..<max(cursor, number + 1)]
        let search = NonFiniteSearch(stepper: self, step: number, index: index)
        let exact = try search.exact(sources)
        return NonFinite(
            value: id, index: index, number: tensor.value(at: index) ?? .nan, count: known.faults, elements: known.statistics.count,
            sources: Array(sources.prefix(NonFinite.sourceLimit)), sourceCount: sources.count,
            cause: try search.cause(sources, exact), exact: exact,
            spread: after.count { (numerics(of: $0.output)?.faults ?? 0) > 0 }, later: after.count)
    }

    private func nonFiniteIndex(_ tensor: Tensor, _ id: Int) -> [Int]? {
        let isHidden = program.hidesWithInfinity(id)
        let at = tensor.floats().firstIndex { !$0.isFinite && !(isHidden && $0 == -.infinity) }
        return at.map { tensor.shape.index(at: $0) }
    }
}

/// Looks for what made one element of a step's value.
struct NonFiniteSearch {
    let stepper: Stepper
    let step: Int
    let index: [Int]

    private var program: Program { stepper.program }
    private var output: Int { program.steps[step].output }
    private var inputs: [Int] { program.steps[step].inputs }
    private var op: any Op { stepper.op(ofStep: step) }
    private var choice: Policy.Choice { stepper.choices[step] }
    /// An op that takes longer by its formula is not computed again.
    private static let costLimit = 1 << 28

    func cause(_ sources: [Lineage.Source], _ exact: Double?) throws -> NonFinite.Cause {
        if try stepper.isOverwritten(output, at: index) { return .edited }
        if let nothing = try nothing() { return nothing }
        if let given = try given(sources) { return given }
        if let exact, exact.isFinite, !choice.format.nearest(exact).isFinite { return .rounded(exact: exact, format: choice.format) }
        if let part = try part(exact) { return .part(part) }
        if let exact, exact.isFinite, let format = choice.rounding.accumulation ?? choice.rounding.format {
            let part = try beyond(format)
            return .between(format, part: part?.name, number: part?.number ?? exact)
        }
        return .operation(try whole(sources, exact))
    }

    /// Rows and texts with nothing in them.
    private func nothing() throws -> NonFinite.Cause? {
        if isOverKeys, let scores = try stepper.tensor(inputs[0]) {
            let row = (0..<scores.shape.rowLength).map { scores.value(at: index.dropLast() + [$0]) }
            if row.allSatisfy({ $0 == -.infinity }) { return .hidden(keys: row.count) }
        }
        if let mean = op as? Mean, !mean.isShare, let targets = try stepper.tensor(inputs[1]), targets.doubles().allSatisfy({ $0 < 0 }) {
            return .uncounted
        }
        return nil
    }

    /// Whether −∞ among what the op reads hides a key, and is no fault.
    private var isOverKeys: Bool { op is Softmax && program.values[inputs[0]].shape.axes.last?.name == .key }

    private func isBad(_ number: Double) -> Bool { !number.isFinite && !(isOverKeys && number == -.infinity) }

    /// A weight or an input that is not finite where the element reads it.
    private func given(_ sources: [Lineage.Source]) throws -> NonFinite.Cause? {
        if let source = sources.first(where: { isBad($0.number) && program.values[$0.value].step == nil }) {
            return given(source.value, source.index, source.number)
        }
        guard sources.contains(where: { !$0.weight.isFinite }) || sources.isEmpty else { return nil }
        for input in inputs where program.values[input].step == nil {
            guard let tensor = try stepper.tensor(input), tensor.type.isFloat, let at = place(in: tensor, input) else { continue }
            return given(input, at, tensor.value(at: at) ?? .nan)
        }
        return nil
    }

    private func given(_ value: Int, _ index: [Int], _ number: Double) -> NonFinite.Cause {
        // What the format would have held is not what it was rounded from: an edit came between.
        let original = stepper.originals[value]?.value(at: index).flatMap {
            stepper.isEdited(value) && stepper.format(of: value).nearest($0).isFinite ? nil : $0
        }
        return .given(value: value, index: index, number: number, original: original)
    }

    /// Where a weight is not finite: of a matrix product in the row or column that the element reads.
    private func place(in tensor: Tensor, _ input: Int) -> [Int]? {
        guard let linear = op as? Linear, tensor.shape.rank == 2, let o = index.last else {
            return tensor.floats().firstIndex { isBad(Double($0)) }.map { tensor.shape.index(at: $0) }
        }
        let length = tensor.shape[linear.transposed ? 0 : 1]
        return (0..<length).lazy.map { linear.transposed ? [$0, o] : [o, $0] }.first { tensor.value(at: $0)?.isFinite == false }
    }

    /// The element in fp64, before it was rounded: of a matrix product its terms' sum, of other ops by the formula, or part by part where that
    /// takes less.
    func exact(_ sources: [Lineage.Source]) throws -> Double? {
        if op is Linear || (op as? Gradient)?.op is Linear { return sources.reduce(0) { $0 + $1.term } }
        let shapes = inputs.map { program.values[$0].shape }
        guard op.cost(shapes, output: program.values[output].shape) < NonFiniteSearch.costLimit else {
            return try expansion(in: .fp64).flatMap { try $0.stepper.tensor($0.result)?.value(at: $0.cell == nil ? index : [0]) }
        }
        guard let tensors = try stepper.readings(of: step) else { return nil }
        let read = try tensors.map {
            $0.type.isFloat ? try choice.inputs?.rounded($0, hides: op.readsHidden, threads: stepper.policy.threads) ?? $0 : $0
        }
        let result = op.reference(read.map { Dense<Double>($0) })
        return result.shape.position(of: index).map { result.values[$0] }
    }

    /// The op's parts around the element, all computed in one format.
    private func expansion(in format: Policy.Preset) throws -> Expansion? {
        var expansion = try stepper.expansion(of: output, at: index, in: format)
        while expansion?.stepper.isFinished == false { try expansion?.stepper.step() }
        return expansion
    }

    /// What the kernel adds up in.
    private var arithmetic: NumberFormat {
        if choice.isDouble || (op.isProduct && choice.accumulation == .fp64) { return .fp64 }
        return stepper.isByFormula(step) ? .fp32 : choice.kernel?.card?.sums ?? .fp32
    }

    /// The small step inside the op at which the number was lost. Where the formula has no finite number that is so in any arithmetic; where it
    /// has one, the kernel's own was too narrow, if that is not as wide as the formula's.
    private func part(_ exact: Double?) throws -> NonFinite.Part? {
        guard let exact, exact.isFinite else { return try expansion(in: .fp64).flatMap { try inside($0, .fp64) } }
        return arithmetic == .fp64 ? nil : try expansion(in: .fp32).flatMap { try inside($0, .fp32) }
    }

    /// The first part that is larger than a format can say.
    private func beyond(_ format: NumberFormat) throws -> (name: String, number: Double)? {
        guard let inner = try expansion(in: .fp64)?.stepper else { return nil }
        for step in inner.program.steps {
            let largest = try inner.tensor(step.output)?.doubles().reduce(0) { max($0, abs($1)) } ?? 0
            if largest > format.maximum { return (inner.program.values[step.output].name, largest) }
        }
        return nil
    }

    private func inside(_ expansion: Expansion, _ format: NumberFormat) throws -> NonFinite.Part? {
        try part(of: expansion.stepper, expansion.result, expansion.cell == nil ? index : [0], format)
    }

    /// Found by going back from a number that is lost.
    private func part(of inner: Stepper, _ value: Int, _ at: [Int], _ format: NumberFormat) throws -> NonFinite.Part? {
        guard let step = inner.program.values[value].step, let number = try inner.tensor(value)?.value(at: at), !number.isFinite else {
            return nil
        }
        let operands = try inner.operands(of: step, at: at)
        if let lost = operands.first(where: { $0.number.isNaN }) { return try part(of: inner, lost.value, lost.index, format) }
        let wanted = operands.first { $0.number.isInfinite }
        let infinite = try wanted.flatMap { try part(of: inner, $0.value, $0.index, format) }
        // NaN of infinities is made here: ∞ − ∞, 0 · ∞, ∞ / ∞.
        if wanted != nil, !number.isNaN { return infinite }
        return NonFinite.Part(
            name: inner.program.values[value].name, op: inner.program.steps[step].op, number: number, operands: operands.map(\.number),
            format: format, origins: infinite.map { [$0] + $0.origins } ?? [])
    }

    private func whole(_ sources: [Lineage.Source], _ exact: Double?) throws -> NonFinite.Part {
        let number = try stepper.tensor(output)?.value(at: index) ?? .nan
        let operands = sources.isEmpty ? try stepper.operands(of: step, at: index).map(\.number) : sources.prefix(3).map(\.number)
        return NonFinite.Part(
            name: op.card.name, op: op, number: number, operands: operands, format: exact?.isFinite == true ? arithmetic : .fp64,
            origins: [])
    }
}

extension Stepper {
    struct Operand {
        let value: Int
        let index: [Int]
        let number: Double
    }

    /// The elements that one of the small ops reads for the element at `index`.
    func operands(of number: Int, at index: [Int]) throws -> [Operand] {
        let step = program.steps[number]
        let inputs = try step.inputs.map { try value($0) }
        func operand(_ input: Int, _ index: [Int]) -> Operand {
            Operand(value: step.inputs[input], index: index, number: inputs[input].value(at: index) ?? .nan)
        }
        switch step.op {
        case let zip as Zip:
            guard zip.function != .pick, let position = inputs[0].shape.position(of: index) else {
                return [operand(0, index + [Int(inputs[1].value(at: index) ?? 0)])]
            }
            let second = inputs[1].shape.index(at: Zip.place(position, of: inputs[1].shape, over: inputs[0].shape))
            return [operand(0, index), operand(1, second)]
        case is Map: return [operand(0, index)]
        case is RunningSum:
            // Where the sum was lost: what it was before, and the two factors that it took in.
            let sums = try value(step.output)
            let at = sums.doubles().firstIndex { !$0.isFinite } ?? index.first ?? 0
            let before = Operand(value: step.output, index: [at - 1], number: at > 0 ? sums.value(at: [at - 1]) ?? .nan : 0)
            return [before, operand(0, [at]), operand(1, [at])]
        default:
            let output = try value(step.output)
            return step.op.contributions(at: index, inputs: inputs, output: output).map { operand($0.input, $0.index) }
        }
    }
}
