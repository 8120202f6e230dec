import Tensors

/// A run whose numbers are numbers, and bad all the same.
extension Why {
    /// The first value that is not what the trusted program's op gives on the run's own inputs, in the trusted formats, but for rounding.
    static func firstWrong(in run: Stepper, _ trusted: Stepper, _ interrupted: () -> Bool) throws -> Why? {
        var judge = Judge(run, by: trusted, asTrusted: true)
        while !judge.isFinished {
            if interrupted() { return nil }
            guard let verdict = try judge.step(), verdict.isBug, let id = run.program.id(of: trusted.program.values[verdict.value].name)
            else {
                continue
            }
            let isGiven = run.program.values[id].step == nil
            let sentences = try isGiven ? given(verdict, id, run, trusted) : made(verdict, id, run, trusted)
            return Why(kind: isGiven ? .given : .wrong, value: id, index: verdict.index, sentences: sentences)
        }
        return nil
    }

    private static func given(_ verdict: Verdict, _ id: Int, _ run: Stepper, _ trusted: Stepper) throws -> [String] {
        let head = "\(name(run, id, verdict.index)) is \(number(verdict.found)) and should be \(number(verdict.expected))"
        guard let own = try run.tensor(id), let other = trusted.given(verdict.value), own.shape.counts == other.shape.counts else {
            return ["\(run.program.values[id].name) has another shape than it should have"]
        }
        let places = zip(own.doubles(), other.doubles()).enumerated().filter { abs($1.0 - $1.1) > 0x1p-8 * abs($1.1) || $1.0.isNaN }.map(
            \.offset)
        guard let first = places.first, let last = places.last, own.type.isFloat else { return [head] }
        let range = "from \(own.shape.index(at: first)) to \(own.shape.index(at: last))"
        return [head, "\(places.count) of its \(own.elementCount) elements are others than the file's, \(range)"]
            + reasons(verdict, id, run, trusted)
    }

    /// What was done to a value: an edit, or another format.
    private static func reasons(_ verdict: Verdict, _ id: Int, _ run: Stepper, _ trusted: Stepper) -> [String] {
        var reasons = run.isEdited(id) ? ["it was set by hand"] : []
        let format = run.format(of: id)
        if format.flushesSubnormals && verdict.found == 0 {
            reasons.append("\(format) makes 0 of what is below its smallest normal number, \(number(format.minimumNormal))")
        } else if format != trusted.format(of: verdict.value) {
            reasons.append("it is kept in \(format) and should be in \(trusted.format(of: verdict.value))")
        }
        return reasons
    }

    private static func made(_ verdict: Verdict, _ id: Int, _ run: Stepper, _ trusted: Stepper) throws -> [String] {
        let formula = "on the same inputs its formula gives \(number(verdict.expected))"
        let factor = verdict.factor.isFinite ? ", and it is \(number((verdict.factor * 10).rounded() / 10)) times as far" : ""
        let head = "\(name(run, id, verdict.index)) is \(number(verdict.found)); \(formula)"
        let bound = "rounding moves it by \(number(verdict.allowed)) at most\(factor)"
        return [head, bound] + (try causes(verdict, id, run, trusted))
    }

    /// What in the op, its formats or its inputs is other than it should be.
    private static func causes(_ verdict: Verdict, _ id: Int, _ run: Stepper, _ trusted: Stepper) throws -> [String] {
        var causes: [String] = []
        guard let number = run.program.values[id].step, let other = trusted.program.values[verdict.value].step else { return [] }
        let (mine, theirs) = (run.op(ofStep: number).parameters, trusted.program.steps[other].op.parameters)
        for (one, two) in zip(mine, theirs) where one.name == two.name && one.value != two.value {
            causes.append("its \(one.name) is \(one.value) and should be \(two.value)")
        }
        causes += reasons(verdict, id, run, trusted)
        if let row = try otherRow(verdict, id, run) { causes.append(row) }
        return causes
    }

    /// Of a gather the row that it took.
    private static func otherRow(_ verdict: Verdict, _ id: Int, _ run: Stepper) throws -> String? {
        guard let step = run.program.values[id].step.map({ run.program.steps[$0] }), step.inputs.count == 2, verdict.index.count == 2,
            run.program.values[step.inputs[0]].role == .input, let ids = try run.tensor(step.inputs[0]), !ids.type.isFloat,
            let table = try run.tensor(step.inputs[1]), let own = try run.tensor(id)?[verdict.index[0]].doubles(), table.shape.rank == 2,
            let row = (0..<table.shape[0]).first(where: { table[$0].doubles() == own })
        else { return nil }
        return "it is row \(row) of \(run.program.values[step.inputs[1]].name); the id is \(Int(ids.value(at: [verdict.index[0]]) ?? -1))"
    }
}

// MARK: growth
extension Why {
    /// A layer in which the stream's norm grows ten times as much as in the middle one is out of bounds, if one of its products makes its
    /// input larger by ten times as much as that product of other layers does.
    static let jump = 10.0

    static func growth(in run: Stepper) throws -> Why? {
        let streams = LogitLens.streams(run.program).filter { run.isComputed($0) }
        let norms = streams.compactMap { run.statistics($0)?.norm }
        guard norms.count == streams.count, norms.count > 3 else { return nil }
        let ratios = zip(norms.dropFirst(), norms).map { $0 / max($1, 1e-30) }
        let middle = ratios.sorted()[ratios.count / 2]
        guard let worst = ratios.indices.max(by: { ratios[$0] < ratios[$1] }), ratios[worst] > jump * max(middle, 1),
            let layer = run.program.values[streams[worst + 1]].layer, let op = try loudest(layer, run), op.gain > jump * op.usual
        else { return nil }
        let maximum = run.statistics(op.value)
        let at = maximum.flatMap { -$0.min > $0.max ? $0.minAt : $0.maxAt } ?? 0
        let index = run.program.values[op.value].shape.index(at: at)
        return Why(
            kind: .growth, value: op.value, index: index,
            sentences: [
                "the stream's norm grows \(number((ratios[worst] * 10).rounded() / 10)) times in layer \(layer), "
                    + "\(number((middle * 10).rounded() / 10)) times in the middle one",
                "\(run.program.values[op.value].name) makes it: its norm is \(number((op.gain * 10).rounded() / 10)) times its input's, "
                    + "where other layers' is \(number((op.usual * 10).rounded() / 10)) times",
                "its largest number is \(number(Double(maximum?.absMax ?? 0))) at \(index)",
            ])
    }

    /// The product of a layer that makes its input larger than the same product of other layers does, by most.
    private static func loudest(_ layer: Int, _ run: Stepper) throws -> (value: Int, gain: Double, usual: Double)? {
        var gains: [String: [(layer: Int, value: Int, gain: Double)]] = [:]
        for step in run.program.steps[..<run.cursor] where step.op is Linear {
            guard let path = LayerPath(run.program.values[step.output].name), let out = run.statistics(step.output)?.norm,
                let input = step.inputs.first.flatMap({ run.statistics($0)?.norm }), input > 0
            else { continue }
            gains[path.rest, default: []].append((path.layer, step.output, out / input))
        }
        let candidates = gains.values.compactMap { all -> (value: Int, gain: Double, usual: Double)? in
            guard let own = all.first(where: { $0.layer == layer }) else { return nil }
            let others = all.filter { $0.layer != layer }.map(\.gain).sorted()
            return others.isEmpty ? nil : (own.value, own.gain, others[others.count / 2])
        }
        return candidates.max { $0.gain / max($0.usual, 1e-30) < $1.gain / max($1.usual, 1e-30) }
    }
}
