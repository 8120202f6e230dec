import Tensors

/// A comparison on its way: both runs are stepped side by side and each value is measured when both have it, so neither has to be kept.
package struct Comparer: Sendable {
    private(set) package var comparison: Comparison
    private(set) package var run: Stepper
    /// The other side: a run, or what is in a file.
    private(set) package var other: Stepper?
    package let named: NamedTensors?
    /// The coarsest format that either side has had, for each value measured.
    private(set) package var formats: [NumberFormat] = []
    package let tolerance: Tolerance
    private let pairs: [Pair]
    private let streams: Set<Int>

    /// A value of the run and what it is called on the other side.
    private struct Pair: Sendable {
        let value: Int
        let name: String
    }

    /// Values that `names` does not match are left out.
    package init(_ run: Stepper, against side: ComparedSide, tolerance: Tolerance = Tolerance(), names: NamePattern? = nil) {
        (self.run, self.tolerance) = (run, tolerance)
        switch side {
        case .run(let stepper): (other, named) = (stepper, nil)
        case .tensors(let tensors): (other, named) = (nil, tensors)
        }
        let compared = Comparer.compared(run.program)
        pairs = compared.compactMap { id in
            let value = run.program.values[id]
            guard names?.matches(value) ?? true, let name = side.name(of: value) else { return nil }
            return Pair(value: id, name: name)
        }
        streams = Set(LogitLens.streams(run.program))
        let isMatched = Set(pairs.map(\.value))
        let here = compared.filter { !isMatched.contains($0) && run.program.values[$0].role != .input }.map { run.program.values[$0] }
        comparison = Comparison(
            onlyHere: here.filter { names?.matches($0) ?? true }.map(\.name), onlyThere: side.names(besides: run.program, names))
    }

    /// Inputs, and what steps write: caches are copies, parts of a gradient its sum's.
    static func compared(_ program: Program) -> [Int] {
        let inputs = program.leaves.filter { program.values[$0].role == .input }
        return inputs + program.steps.map(\.output).filter { program.values[$0].role != .cache && !program.values[$0].isPart }
    }

    /// The other side as far as it has come.
    package var side: ComparedSide? { other.map { .run($0) } ?? named.map { .tensors($0) } }

    package var done: Int { comparison.rows.count }
    package var total: Int { pairs.count }
    package var isFinished: Bool { done == total }

    /// Measures one more value, running both sides as far as they must.
    package mutating func step() throws {
        guard !isFinished else { return }
        let pair = pairs[done]
        let one = try run.reached(pair.value)
        let (other, there) = try reached(pair.name)
        let format = coarsest(pair.value, other, there)
        let row = try row(pair, one, other, there, tolerance.limit(of: format))
        formats.append(format)
        if streams.contains(pair.value) { comparison.stream.append(comparison.rows.count) }
        comparison.rows.append(row)
        if run.program.id(of: "logits") == pair.value { try measureLogits(one, other) }
    }

    /// To the end; `interrupted` is asked between values. False if it was.
    package mutating func finish(interrupted: () -> Bool = { false }) throws -> Bool {
        while !isFinished {
            if interrupted() { return false }
            try step()
        }
        return true
    }

    private func coarsest(_ value: Int, _ other: Tensor, _ there: Int?) -> NumberFormat {
        var format = formats.last ?? .fp64
        guard run.program.values[value].role != .input else { return format }
        format = tolerance.coarser(format, run.format(of: value))
        let theirs = there.flatMap { self.other?.format(of: $0) } ?? other.type.format ?? .fp32
        return tolerance.coarser(format, theirs)
    }

    /// The other side's tensor of a name, run on to it, and its number in its program.
    private mutating func reached(_ name: String) throws -> (Tensor, Int?) {
        if let id = other?.program.id(of: name), let tensor = try other?.reached(id) { return (tensor, id) }
        guard let tensor = named?.tensors[name] else { throw BindingError(rule: "\(name) is not on the other side") }
        return (tensor, nil)
    }

    private func row(_ pair: Pair, _ one: Tensor, _ other: Tensor, _ there: Int?, _ limit: Double) throws -> ValueDifference {
        let value = run.program.values[pair.value]
        let own = there == nil ? try Layout.own(other, of: value, in: run.program) : other
        let (fitted, mismatch) = try Layout.fitted(own, to: one.shape)
        let difference = try fitted.map { try Difference(one, $0, threads: run.policy.threads) }
        let place = difference?.unmatchedAt ?? difference?.largestAt ?? difference?.differingAt ?? 0
        let index = difference == nil || one.elementCount == 0 ? [] : one.shape.index(at: place)
        return ValueDifference(
            value: pair.value, other: there, name: value.name, aliases: value.aliases, otherName: pair.name, role: value.role,
            layer: value.layer, shape: one.shape,
            formats: [run.formatName(pair.value, one), there.flatMap { self.other?.formatName($0, other) } ?? other.type.spokenName],
            difference: difference, mismatch: mismatch, index: index,
            numbers: [one.value(at: index), fitted?.value(at: index)].compactMap { $0 }, limit: limit)
    }

    private mutating func measureLogits(_ one: Tensor, _ other: Tensor) throws {
        guard one.shape.rank == 2, let other = try Layout.fitted(other, to: one.shape).tensor else { return }
        comparison.divergence = try Divergence(one, other, threads: run.policy.threads)
    }
}

extension ComparedSide {
    /// What this side calls a value, by any of the value's names.
    fileprivate func name(of value: Value) -> String? {
        let names = [value.name] + value.aliases
        switch self {
        case .run(let stepper):
            guard let id = names.lazy.compactMap(stepper.program.id(of:)).first, stepper.program.values[id].role != .weight else {
                return nil
            }
            return stepper.program.values[id].name
        case .tensors(let named): return names.first { named.tensors[$0] != nil }
        }
    }

    /// What this side has and the program has not.
    fileprivate func names(besides program: Program, _ pattern: NamePattern?) -> [String] {
        switch self {
        case .run(let stepper):
            let values = Comparer.compared(stepper.program).map { stepper.program.values[$0] }.filter { $0.role != .input }
            return values.filter { value in
                (pattern?.matches(value) ?? true) && !([value.name] + value.aliases).contains { program.id(of: $0) != nil }
            }.map(\.name)
        case .tensors(let named): return named.names.filter { program.id(of: $0) == nil && pattern?.matches($0) ?? true }
        }
    }
}

extension Stepper {
    /// A value, running on to it if need be.
    fileprivate mutating func reached(_ id: Int) throws -> Tensor {
        while !isComputed(id), !isFinished { try step() }
        guard let tensor = try tensor(id) else { throw BindingError(rule: "\(program.values[id].name) has not been computed") }
        return tensor
    }

    fileprivate func formatName(_ id: Int, _ tensor: Tensor) -> String {
        program.values[id].role == .input ? tensor.type.spokenName : "\(format(of: id))"
    }
}
