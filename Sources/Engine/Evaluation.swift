import Tensors

/// A program computed in fp64 by the ops' formulas alone: what gradients are measured against. Weights are converted once.
package struct Evaluation: Sendable {
    package let program: Program
    /// One a value, weights and inputs included.
    package let values: [Dense<Double>]

    /// `bindings` gives every weight and input, by the value's number; `visit` is called after each step with its number.
    package init(_ program: Program, bindings: [Int: Tensor], visit: (Int) throws -> Void = { _ in }) throws {
        var values: [Dense<Double>] = []
        values.reserveCapacity(program.values.count)
        for (id, value) in program.values.enumerated() {
            if let step = value.step {
                let step = program.steps[step]
                values.append(step.op.reference(step.inputs.map { values[$0] }))
                try visit(value.step ?? 0)
            } else if let tensor = bindings[id] {
                values.append(Dense(value.shape, tensor.doubles()))
            } else {
                throw BindingError(rule: "\(value.name) has no value")
            }
        }
        self.program = program
        self.values = values
    }

    /// One number, `target`, with the element at `position` of value `id` moved by `step`; only what lies between is computed again.
    package func number(_ target: Int, moving id: Int, at position: Int, by step: Double) -> Double {
        var moved = values[id]
        moved.values[position] += step
        var made = [id: moved]
        for number in program.way(from: id, to: target) {
            let step = program.steps[number]
            made[step.output] = step.op.reference(step.inputs.map { made[$0] ?? values[$0] })
        }
        return (made[target] ?? values[target]).values.first ?? .nan
    }
}

extension Program {
    /// Forward steps that depend on one value and lead to another.
    func way(from id: Int, to target: Int) -> [Int] {
        var behind: Set<Int> = [id]
        var found: [Int] = []
        for (number, step) in steps[..<forwardCount].enumerated()
        where step.output != id && step.inputs.contains(where: behind.contains) {
            behind.insert(step.output)
            found.append(number)
        }
        var wanted: Set<Int> = [target]
        let needed = found.reversed().filter { number in
            guard wanted.contains(steps[number].output) else { return false }
            wanted.formUnion(steps[number].inputs)
            return true
        }
        return needed.reversed()
    }
}
