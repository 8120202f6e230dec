import Tensors

/// A value as a formula gives it in fp64, with how far rounding may have moved each element.
package struct Expectation: Sendable {
    package let shape: Shape
    package private(set) var numbers: [Double]
    package private(set) var bounds: [Double]
    package private(set) var variances: [Double]

    /// A value that is known.
    init(exactly tensor: Tensor) {
        shape = tensor.shape
        numbers = tensor.doubles()
        bounds = Array(repeating: 0, count: numbers.count)
        variances = bounds
    }

    init(_ shape: Shape, numbers: [Double], bounds: [Double], variances: [Double]) {
        (self.shape, self.numbers, self.bounds, self.variances) = (shape, numbers, bounds, variances)
    }

    private init(_ dense: Dense<Uncertain>) {
        self.init(
            dense.shape, numbers: dense.values.map(\.number), bounds: dense.values.map(\.bound), variances: dense.values.map(\.variance))
    }

    private var dense: Dense<Uncertain> {
        Dense(shape) { Uncertain(numbers[$0], bound: bounds[$0], variance: variances[$0]) }
    }

    /// What an op makes of such inputs if it computes in fp32 and keeps its value as the choice says. A weight stays a tensor: it is known.
    init(_ op: any Op, _ choice: Policy.Choice, _ inputs: [Input], threads: Int) throws {
        let inputs = try choice.read(inputs, of: op, threads: threads)
        var made: Expectation
        if let product = MatrixProduct(op, inputs) {
            made = try Expectation(product, choice.rounding, threads: threads)
        } else if op is Embedding, let known = Input.tensors(inputs) {
            made = Expectation(exactly: try op.exact(known, threads: threads))
        } else {
            made = Expectation(op.reference(inputs.map { $0.expectation.dense }, rounding: choice.rounding))
        }
        if choice.isDouble { made.scale(by: 0x1p-27) }
        if choice.kernelInputs(op) == .bf16 { made.flush(of: inputs.first?.expectation.shape.rowLength ?? 0) }
        self = choice.rounds ? made.stored(in: choice.format, hides: op.hidesWithInfinity) : made
    }

    /// A sum of n products is off by n halves of a unit of Σ|x·w| at most. As independent errors: each of the n partial sums is rounded, and
    /// the k-th is, of terms without a common sign, √k of a term, and of such with one, k/n of the whole.
    private init(_ product: MatrixProduct, _ rounding: Rounding, threads: Int) throws {
        let (x, columns) = (product.x, product.shape.rowLength)
        let n = Double(x.shape.rowLength)
        let unit = max(Uncertain.unit, rounding.accumulation.map { $0.halfStep(at: 1) } ?? 0)
        let spread = try Kernels.exactMatmul(
            x.numbers, bounds: zip(x.numbers, x.bounds).map { (n + 2) * unit * abs($0) + $1 },
            variances: zip(x.numbers, x.variances).map { unit * unit * (n / 6 + 1) * $0 * $0 + $1 }, product.weight,
            transposed: product.transposed, length: x.shape.rowLength, columns: columns, threads: threads)
        shape = product.shape
        (numbers, bounds, variances) = spread
        let bias = product.bias?.doubles()
        for i in numbers.indices {
            let offset = bias.map { $0[i % columns] } ?? 0
            variances[i] += unit * unit * (n / 9 + 1) * numbers[i] * numbers[i]
            numbers[i] += offset
            bounds[i] += unit * (abs(numbers[i]) + abs(offset))
        }
    }

    /// The processor's products of bf16 numbers make 0 of each sum below 2⁻¹²⁶: of so many terms each may be lost.
    private mutating func flush(of terms: Int) {
        let lost = Double(terms) * 0x1p-126
        for i in numbers.indices { (bounds[i], variances[i]) = (bounds[i] + lost, variances[i] + lost * lost) }
    }

    /// Everything in fp64 is finer by 2²⁹; the formula that it is measured by is no finer, so a quarter of that is left.
    private mutating func scale(by factor: Double) {
        for i in numbers.indices { (bounds[i], variances[i]) = (bounds[i] * factor, variances[i] * factor * factor) }
    }

    /// The same where it is kept in a format.
    func stored(in format: NumberFormat, hides: Bool = false) -> Expectation {
        if format.mantissaBits > 23 { return self }
        guard format.block == nil else { return storedInBlocks(format, hides) }
        var result = self
        for i in numbers.indices {
            let number = Uncertain(numbers[i], bound: bounds[i], variance: variances[i]).stored(in: format)
            (result.bounds[i], result.variances[i]) = (number.bound, number.variance)
            if !numbers[i].isFinite && !(hides && numbers[i] == -.infinity) { result.numbers[i] = format.nearest(numbers[i]) }
        }
        return result
    }

    /// The largest of a block sets the step of all: half of it at its upper end, and a little for the division by the scale. Blocks with levels
    /// run on from row to row.
    private func storedInBlocks(_ format: NumberFormat, _ hides: Bool) -> Expectation {
        let (size, share): (Int, Double) =
            switch format.block {
            case .powerOfTwo(let size)?: (size, format.mantissaBits > 1 ? 0x1p-3 : 0x1p-1)
            case .maximum(let size)?: (size, 1.001 / 254)
            case .levels(_, let size)?: (size, 0.16)
            case nil: (1, 0)
            }
        var result = self
        var length = max(1, shape.rowLength)
        if case .levels? = format.block { length = max(1, numbers.count) }
        let starts = (0..<numbers.count / length).flatMap { row in stride(from: 0, to: length, by: max(1, size)).map { (row, $0) } }
        for (row, start) in starts {
            let block = row * length + start..<row * length + min(start + size, length)
            let seen = hides ? block.filter { numbers[$0] != -.infinity } : Array(block)
            let step = share * (seen.map { abs(numbers[$0]) + bounds[$0] }.max() ?? 0)
            for i in seen { (result.bounds[i], result.variances[i]) = (bounds[i] + step, variances[i] + step * step / 3) }
        }
        return result
    }
}

/// y[t,o] = Σᵢ x[t,i]·W[o,i] + b[o], or W[i,o] if it is transposed: a linear layer, or one of its two gradients, which are such products too.
private struct MatrixProduct {
    let x: Expectation
    let weight: Tensor
    let bias: Tensor?
    let transposed: Bool
    let shape: Shape

    /// Nil for other ops, and where the second factor is not known.
    init?(_ op: any Op, _ inputs: [Expectation.Input]) {
        if let linear = op as? Linear, let weight = inputs[1].tensor {
            (x, self.weight, bias, transposed) = (inputs[0].expectation, weight, inputs.dropFirst(2).first?.tensor, linear.transposed)
            shape = x.shape.replacingLast(linear.output)
            return
        }
        guard let gradient = op as? Gradient, let linear = gradient.op as? Linear, let last = inputs.last else { return nil }
        (bias, shape) = (nil, gradient.shape)
        switch gradient.derivative.input {
        case 0:
            guard let weight = inputs[0].tensor else { return nil }
            (x, self.weight, transposed) = (last.expectation, weight, !linear.transposed)
        case 1:
            // dW = dYᵀ·X, and of a transposed weight Xᵀ·dY.
            let (left, right) = linear.transposed ? (inputs[0], last) : (last, inputs[0])
            guard let factor = right.tensor, factor.shape.rank == 2, let turned = left.expectation.turned else { return nil }
            (x, self.weight, transposed) = (turned, factor, true)
        default: return nil
        }
    }
}

extension Expectation {
    /// Rows as columns; nil where there are more than two axes.
    fileprivate var turned: Expectation? {
        guard shape.rank == 2 else { return nil }
        let (rows, columns) = (shape[0], shape[1])
        let places = (0..<columns).flatMap { column in (0..<rows).map { $0 * columns + column } }
        return Expectation(
            Shape(shape.axes.reversed()), numbers: places.map { numbers[$0] }, bounds: places.map { bounds[$0] },
            variances: places.map { variances[$0] })
    }
}

extension Expectation {
    /// What an op reads: a value that is known, or one that had to be computed from such.
    enum Input: Sendable {
        case known(Tensor)
        case expected(Expectation)

        var expectation: Expectation {
            switch self {
            case .known(let tensor): Expectation(exactly: tensor)
            case .expected(let expectation): expectation
            }
        }

        var tensor: Tensor? { if case .known(let tensor) = self { tensor } else { nil } }

        static func tensors(_ inputs: [Input]) -> [Tensor]? {
            let known = inputs.compactMap(\.tensor)
            return known.count == inputs.count ? known : nil
        }

        /// As an op reads it that rounds its inputs; ids and positions stay what they are.
        func read(in format: NumberFormat, hides: Bool = false, threads: Int) throws -> Input {
            switch self {
            case .known(let tensor): .known(tensor.type.isFloat ? try format.rounded(tensor, hides: hides, threads: threads) : tensor)
            case .expected(let expectation): .expected(expectation.stored(in: format, hides: hides))
            }
        }
    }
}

extension Policy.Choice {
    /// The format in which the kernel reads what it multiplies; nil: as it is, or no kernel runs but the formula.
    fileprivate func kernelInputs(_ op: any Op) -> NumberFormat? { isByFormula(op) ? nil : kernel?.inputs }

    /// What the op reads: a rule rounds all of its inputs, a kernel that runs those that it multiplies.
    func read(_ inputs: [Expectation.Input], of op: any Op, threads: Int) throws -> [Expectation.Input] {
        var read =
            try self.inputs.map { format in
                try inputs.map { try $0.read(in: format, hides: op.readsHidden, threads: threads) }
            } ?? inputs
        guard let format = kernelInputs(op) else { return read }
        for place in read.indices.prefix(2) { read[place] = try read[place].read(in: format, threads: threads) }
        return read
    }
}
