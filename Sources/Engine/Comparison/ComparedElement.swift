import Tensors

/// One number of a value on both sides, with what each was computed from.
package struct ComparedElement: Sendable {
    /// What a number was computed from: its own number times a weight.
    package struct Part: Sendable, Hashable {
        package let number: Double
        package let weight: Double
        package var term: Double { number * weight }
    }

    /// The same source on each side; nil where a side has none of it, or it is not known.
    package struct Term: Sendable {
        package let name: String
        package let index: [Int]
        package let parts: [Part?]
        /// Whether it is known what both sides were computed from.
        fileprivate let isComplete: Bool

        /// How far the term moves the number apart; nil where one side's are not known.
        package var difference: Double? { isComplete ? (parts[0]?.term ?? 0) - (parts[1]?.term ?? 0) : nil }
    }

    package let index: [Int]
    package let numbers: [Double]
    /// The op's name and formula on each side; nil for inputs and files, whose numbers are taken for the same op's.
    package let ops: [OpCard?]
    /// Those that move the number apart most first, then the largest.
    package let terms: [Term]
}

extension Comparer {
    /// A value that was measured as both sides have it, in the same shape; nil where they cannot be laid upon each other.
    package func tensors(of row: ValueDifference) throws -> (Tensor, Tensor)? {
        guard let one = try run.tensor(row.value), let there = try other(row) else { return nil }
        return try Layout.fitted(there, to: one.shape).tensor.map { (one, $0) }
    }

    private func other(_ row: ValueDifference) throws -> Tensor? {
        if let id = row.other { return try other?.tensor(id) }
        guard let tensor = named?.tensors[row.otherName] else { return nil }
        return try Layout.own(tensor, of: run.program.values[row.value], in: run.program)
    }

    /// What a number of a file was computed from, if that is in the file: its inputs there, and the run's weights, by the run's op.
    private func lineage(of row: ValueDifference, _ there: Tensor, at index: [Int]) throws -> Lineage? {
        guard let named, let number = there.value(at: index), let stepNumber = run.program.values[row.value].step else { return nil }
        let step = run.program.steps[stepNumber]
        let inputs = try step.inputs.compactMap { id in
            let value = run.program.values[id]
            return value.role == .weight ? try run.tensor(id) : try named.tensor(of: value, in: run.program)
        }
        guard inputs.count == step.inputs.count else { return nil }
        let parts = run.op(ofStep: stepNumber).contributions(at: index, inputs: inputs, output: there)
        let sources = parts.map { Lineage.Source(value: step.inputs[$0.input], index: $0.index, number: $0.value, weight: $0.weight) }
        return Lineage(value: row.value, index: index, number: number, sources: sources)
    }

    /// Nil for an index outside the value, or where it cannot be compared.
    package func element(of row: ValueDifference, at index: [Int], limit: Int) throws -> ComparedElement? {
        guard let (one, there) = try tensors(of: row), let a = one.value(at: index), let b = there.value(at: index) else { return nil }
        let theirs = try row.other.map { try other?.lineage(of: $0, at: index) } ?? lineage(of: row, there, at: index)
        let lineages = [try run.lineage(of: row.value, at: index), theirs]
        let programs = [run.program, other?.program ?? run.program]
        let sources = zip(lineages, programs).map { lineage, program in ComparedElement.named(lineage, program) }
        let cards = zip([row.value, row.other], programs).map { id, program in id.flatMap { program.card(of: $0) } }
        return ComparedElement(index: index, numbers: [a, b], ops: cards, terms: ComparedElement.terms(sources, limit: limit))
    }
}

extension ComparedElement {
    fileprivate struct Source: Hashable {
        let name: String
        let index: [Int]
    }

    fileprivate static func named(_ lineage: Lineage?, _ program: Program) -> [(source: Source, part: Part)] {
        guard let lineage else { return [] }
        return lineage.sources.map {
            (Source(name: program.cached($0.value).name, index: $0.index), Part(number: $0.number, weight: $0.weight))
        }
    }

    /// Sources of both sides side by side. One that enters more than once is added up by its number.
    fileprivate static func terms(_ sides: [[(source: Source, part: Part)]], limit: Int) -> [Term] {
        var (order, parts) = ([Source](), [Source: [Part?]]())
        for (side, sources) in sides.enumerated() {
            for (source, part) in sources {
                if parts[source] == nil { order.append(source) }
                var both = parts[source] ?? [nil, nil]
                both[side] = both[side].map { Part(number: $0.number, weight: $0.weight + part.weight) } ?? part
                parts[source] = both
            }
        }
        let isComplete = !sides.contains(where: \.isEmpty)
        let terms = order.map { Term(name: $0.name, index: $0.index, parts: parts[$0] ?? [nil, nil], isComplete: isComplete) }
        let size = { (term: Term) in rank(term.parts.compactMap { $0?.term }.map(abs).max() ?? 0) }
        let sorted = terms.sorted { one, other in
            let (a, b) = (rank(one.difference ?? 0), rank(other.difference ?? 0))
            return a != b ? a > b : size(one) > size(other)
        }
        return Array(sorted.prefix(limit))
    }

    private static func rank(_ number: Double) -> Double { number.isNaN ? .infinity : abs(number) }
}

extension Program {
    /// Of a cache that began empty what was put into it, since a run that is not to go on has none.
    fileprivate func cached(_ id: Int) -> Value {
        guard let step = values[id].step.map({ steps[$0] }), step.op is AppendCache, values[step.inputs[0]].shape[1] == 0 else {
            return values[id]
        }
        return values[step.inputs[1]]
    }

    fileprivate func card(of id: Int) -> OpCard? { values[id].step.map { steps[$0].op.card } }
}
