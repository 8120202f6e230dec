import Tensors

/// One op as the policy has it: the only place where values are rounded to formats.
extension Stepper {
    /// The op's value in its format, from inputs in theirs. Static, for a step of a long decoding is short beside a copy of the stepper.
    static func compute(_ op: any Op, _ choice: Policy.Choice, _ inputs: [Tensor], _ shape: Shape, threads: Int) throws -> Tensor {
        let inputs = try rounded(inputs, to: choice.inputs, hides: op.readsHidden, threads: threads)
        if choice.isDouble { return try formula(op, inputs) }
        let value = try raw(op, choice, inputs, shape, threads: threads)
        if choice.isCopy || choice.isRounded(op) || !choice.rounds { return value }
        let hides = op.hidesWithInfinity
        return choice.isShared
            ? try choice.format.rounded(value, hides: hides, threads: threads)
            : try choice.format.rounded(fresh: value, hides: hides, threads: threads)
    }

    /// The same where the shape is not known.
    static func compute(_ op: any Op, _ choice: Policy.Choice, _ inputs: [Tensor], threads: Int) throws -> Tensor {
        try compute(op, choice, inputs, op.outputShape(inputs.map(\.shape)), threads: threads)
    }

    private static func raw(
        _ op: any Op, _ choice: Policy.Choice, _ inputs: [Tensor], _ shape: Shape, threads: Int
    ) throws -> Tensor {
        if op.isProduct, choice.accumulation == .fp64 { return try formula(op, inputs) }
        let rounding = choice.rounding
        if let kernel = choice.runner, !(op.isProduct && rounding.accumulation != nil) {
            // Kernels read fp32 activations; weights in files they read as they are.
            let singles = inputs.contains(where: isDouble) ? try inputs.map { isDouble($0) ? try $0.contiguous() : $0 } : inputs
            return try kernel.run(singles, shape, Arithmetic(threads: threads, rounding: rounding, roundsOutput: choice.rounds))
        }
        let result = op.reference(inputs.map { Dense<Float>($0) }, rounding: rounding)
        return try Tensor(result.shape, result.values)
    }

    /// Ids and positions stay what they are.
    private static func rounded(_ inputs: [Tensor], to format: NumberFormat?, hides: Bool, threads: Int) throws -> [Tensor] {
        guard let format else { return inputs }
        return try inputs.map { $0.type.isFloat ? try format.rounded($0, hides: hides, threads: threads) : $0 }
    }

    /// By the formula, in fp64.
    private static func formula(_ op: any Op, _ inputs: [Tensor]) throws -> Tensor {
        let result = op.reference(inputs.map { Dense<Double>($0) })
        return try Tensor(result.shape, doubles: result.values)
    }

    private static func isDouble(_ x: Tensor) -> Bool {
        guard x.type == .f64, case .memory = x.storage else { return false }
        return true
    }

    /// A weight or an input in its format.
    func stored(_ id: Int, _ tensor: Tensor) throws(BindingError) -> Tensor {
        // What lies in a cache was rounded when it was made.
        guard tensor.type.isFloat, !policy.isPlain, program.values[id].role != .cache else { return tensor }
        let format = policy.choice(for: program.values[id], op: nil).format
        if format == tensor.type.format || (format.keepsSingle && tensor.type != .f64) { return tensor }
        do {
            return try format.rounded(weight: tensor, threads: policy.threads)
        } catch {
            throw BindingError(rule: "\(program.values[id].name) in \(format): \(error)")
        }
    }
}

extension ElementType {
    /// The format whose numbers the type holds; nil for integers.
    package var format: NumberFormat? {
        switch self {
        case .f64: .fp64
        case .f32: .fp32
        case .f16: .fp16
        case .bf16: .bf16
        case .f8e4m3: .fp8e4m3
        case .f8e5m2: .fp8e5m2
        default: nil
        }
    }
}

extension Tensor {
    /// Whether both are the same numbers in the same memory.
    fileprivate func hasStorage(of other: Tensor) -> Bool {
        switch (storage, other.storage) {
        case (.memory(let a), .memory(let b)): a === b && offset == other.offset
        case (.file, .file): offset == other.offset
        default: false
        }
    }

    func isSame(as other: Tensor) -> Bool {
        shape == other.shape && type == other.type && strides == other.strides && hasStorage(of: other)
    }
}
