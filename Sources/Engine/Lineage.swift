import Tensors

/// Where a number came from, and where it went.
package struct Lineage: Sendable {
    /// A contribution with the name of the value it came from.
    package struct Source: Sendable {
        package let value: Int
        package let index: [Int]
        package let number: Double
        package let weight: Double
        package var term: Double { number * weight }
    }

    /// A later number that read this one.
    package struct Use: Sendable {
        package let value: Int
        package let index: [Int]
        package let term: Double
    }

    package let value: Int
    package let index: [Int]
    package let number: Double
    /// Largest contributions first; NaN and infinities before all.
    package let sources: [Source]
}

extension Stepper {
    /// What the element at `index` of a computed value was computed from.
    package func lineage(of id: Int, at index: [Int]) throws -> Lineage? {
        guard let output = try tensor(id), let number = output.value(at: index) else { return nil }
        guard let stepNumber = program.values[id].step else { return Lineage(value: id, index: index, number: number, sources: []) }
        let step = program.steps[stepNumber]
        guard let inputs = try readings(of: stepNumber) else { return nil }
        // An overwritten number comes from nobody; of other edits the terms are those before the edit.
        let isOverwritten = try isOverwritten(id, at: index)
        let terms = isOverwritten ? [] : op(ofStep: stepNumber).contributions(at: index, inputs: inputs, output: try unedited(id) ?? output)
        let sources = terms.map {
            Lineage.Source(value: step.inputs[$0.input], index: $0.index, number: $0.value, weight: $0.weight)
        }
        return Lineage(value: id, index: index, number: number, sources: sources.sorted { Stepper.rank($0.term) > Stepper.rank($1.term) })
    }

    private static func rank(_ term: Double) -> Double { term.isNaN ? .infinity : abs(term) }

    /// Which later numbers took the element at `index` in, largest terms first, at most `limit`. Only consumers that have run are asked,
    /// and of each the elements that share the token.
    package func uses(of id: Int, at index: [Int], limit: Int) throws -> [Lineage.Use] {
        var uses: [Lineage.Use] = []
        for number in program.consumers(of: id) where number < cursor {
            let step = program.steps[number]
            guard let output = try tensor(step.output) else { continue }
            guard let inputs = try readings(of: number) else { continue }
            for candidate in Stepper.candidates(index, from: program.values[id].shape, in: output.shape) {
                for part in step.op.contributions(at: candidate, inputs: inputs, output: output)
                where step.inputs[part.input] == id && part.index == index {
                    uses.append(Lineage.Use(value: step.output, index: candidate, term: part.term))
                }
            }
        }
        return Array(uses.sorted { Stepper.rank($0.term) > Stepper.rank($1.term) }.prefix(limit))
    }

    /// Elements of an output that may have read an input element: the same token's row if both have one, else the beginning.
    private static func candidates(_ index: [Int], from input: Shape, in output: Shape) -> [[Int]] {
        let bound = 4096
        if input.counts == output.counts { return [index] }
        if input.rank == 2, output.rank == 2, input[0] == output[0] { return (0..<min(output[1], bound)).map { [index[0], $0] } }
        return (0..<min(output.elementCount, bound)).map { output.index(at: $0) }
    }
}
