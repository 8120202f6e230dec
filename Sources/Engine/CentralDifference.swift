import Tensors

/// The slope of the loss at one element, measured: (L(x + h) − L(x − h)) / 2h in fp64. Everything downstream of the element is computed
/// again from the recorded values by the formulas of the ops; what lies beside is taken as it was recorded.
/// Nocedal and Wright 2006, Numerical Optimization, section 8.1: the error falls with h², the rounding grows with 1/h.
package struct CentralDifference: Sendable, Hashable {
    /// h
    package let step: Double
    /// L(x + h) and L(x − h)
    package let above: Double
    package let below: Double

    package var slope: Double { (above - below) / (2 * step) }

    /// How far a gradient lies from the slope, as a share of the larger.
    package func relativeError(of gradient: Double) -> Double {
        let size = max(abs(gradient), abs(slope))
        return size == 0 ? 0 : abs(gradient - slope) / size
    }
}

extension Stepper {
    /// Nil if `cancelled` said so, if the value or the loss has not been computed, or if there is no such element. Without `step`, a small
    /// share of the value's size.
    package func centralDifference(of id: Int, at index: [Int], step: Double? = nil, cancelled: () -> Bool = { false }) throws
        -> CentralDifference?
    {
        guard let loss = program.id(of: "loss"), isComputed(loss), let tensor = try tensor(id), let place = tensor.shape.position(of: index)
        else { return nil }
        var replay = Replay(self, of: id, loss: loss)
        let h = step ?? Stepper.step(for: tensor, at: place)
        guard let above = try replay.loss(place, by: h, cancelled), let below = try replay.loss(place, by: -h, cancelled) else {
            return nil
        }
        return CentralDifference(step: h, above: above, below: below)
    }

    /// A five-thousandth of the larger of |x| and the root mean square: the truncation, its square, is then below fp32's rounding.
    private static func step(for tensor: Tensor, at place: Int) -> Double {
        let values = tensor.doubles()
        let finite = values.filter(\.isFinite)
        let square = finite.reduce(0) { $0 + $1 * $1 } / Double(max(finite.count, 1))
        let size = max(square.squareRoot(), values[place].isFinite ? abs(values[place]) : 0)
        return 2e-4 * (size > 0 ? size : 1)
    }
}

/// The forward steps behind one value, in fp64.
private struct Replay {
    private let stepper: Stepper
    private let id: Int
    private let loss: Int
    private let steps: [Int]
    /// What lies beside the way, converted once.
    private var beside: [Int: Dense<Double>] = [:]

    init(_ stepper: Stepper, of id: Int, loss: Int) {
        (self.stepper, self.id, self.loss) = (stepper, id, loss)
        steps = stepper.program.way(from: id, to: loss)
    }

    /// The loss with the element at `place` moved by `h`; nil if `cancelled` said so between two ops.
    mutating func loss(_ place: Int, by h: Double, _ cancelled: () -> Bool) throws -> Double? {
        var moved = try recorded(id)
        moved.values[place] += h
        var made = [id: moved]
        for number in steps {
            if cancelled() { return nil }
            let step = stepper.program.steps[number]
            var inputs: [Dense<Double>] = []
            for input in step.inputs { inputs.append(try made[input] ?? recorded(input)) }
            made[step.output] = (step.op as? Linear)?.product(inputs) ?? step.op.reference(inputs)
        }
        return try (made[loss] ?? recorded(loss)).values.first
    }

    private mutating func recorded(_ id: Int) throws -> Dense<Double> {
        if let known = beside[id] { return known }
        guard let tensor = try stepper.tensor(id) else { throw BindingError(rule: "\(stepper.program.values[id].name) has no value") }
        let dense = Dense<Double>(tensor)
        beside[id] = dense
        return dense
    }
}

extension Linear {
    /// The same as `reference` in fp64, by BLAS: a model's products in the formula's own loops would take minutes.
    fileprivate func product(_ inputs: [Dense<Double>]) -> Dense<Double> {
        let shape = inputs[0].shape.replacingLast(output)
        let bias = inputs.count == 3 ? inputs[2].values : nil
        return Dense(
            shape,
            BLAS.product(
                inputs[0].values, inputs[1].values, bias: bias, length: inputs[0].shape.rowLength, columns: output.count,
                transposed: transposed))
    }
}
