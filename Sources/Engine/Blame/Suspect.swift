import Tensors

/// The run that is judged.
enum Suspect: Sendable {
    case run(Stepper)
    case tensors([String: Tensor])

    var isRun: Bool { if case .run = self { true } else { false } }

    private static func names(_ value: Value) -> [String] { [value.name] + value.aliases }

    /// Whether a formula can read the tensor: a run may be of a longer text, in a file anything may have any name.
    func isReadable(_ tensor: Tensor, as value: Value) -> Bool {
        isRun ? tensor.shape.rank == value.shape.rank : tensor.shape.counts == value.shape.counts
    }

    /// A value of the trusted program on this side; one of a file is laid out as the program has it, where that can be done.
    func tensor(_ value: Value, in program: Program) throws -> Tensor? {
        switch self {
        case .run(let run): return try id(value, run).flatMap { try run.tensor($0) }
        case .tensors(let tensors):
            guard let tensor = Suspect.names(value).lazy.compactMap({ tensors[$0] }).first else { return nil }
            return try Layout.fitted(Layout.own(tensor, of: value, in: program), to: value.shape).tensor ?? tensor
        }
    }

    /// Of a run.
    func unrounded(_ value: Value) throws -> Tensor? {
        guard case .run(let run) = self, let id = id(value, run), run.isComputed(id) else { return nil }
        return try run.unrounded(id)
    }

    private func id(_ value: Value, _ run: Stepper) -> Int? { Suspect.names(value).lazy.compactMap(run.program.id(of:)).first }

    mutating func runOn(to value: Value) throws {
        guard case .run(var run) = self, let id = id(value, run) else { return }
        self = .tensors([:])  // the only holder, so that stepping copies nothing
        defer { self = .run(run) }
        while !run.isComputed(id), !run.isFinished { try run.step() }
    }

    func format(_ value: Value, _ found: Tensor) -> NumberFormat {
        if case .run(let run) = self, let id = id(value, run) { return run.format(of: id) }
        return found.narrowestFormat
    }

    /// How the value was made, as far as that is known: a run says it; of a file the numbers tell the format.
    func choice(_ value: Value, _ found: Tensor?, as own: Policy.Choice) -> Policy.Choice {
        switch self {
        case .run(let run):
            guard let step = id(value, run).flatMap({ run.program.values[$0].step }) else { return own }
            return run.choices[step]
        case .tensors:
            var choice = own
            choice.format = found?.narrowestFormat ?? own.format
            return choice.resolved()
        }
    }
}

extension Value {
    /// Whether a tensor differs from the value's shape in more than the length of the text.
    func hasOtherSizes(_ tensor: Tensor) -> Bool {
        guard tensor.shape.rank == shape.rank else { return true }
        return zip(shape.axes, tensor.shape.axes).contains { own, found in
            own.count != found.count && ![.token, .query, .key, .position].contains(own.name)
        }
    }
}

extension NumberFormat {
    /// The 16-bit format that has all numbers of some tensors, of which one at least has more than a row; nil: there is none.
    static func narrow(holding tensors: some Collection<Tensor>) -> NumberFormat? {
        let floats = tensors.filter { $0.type.isFloat && $0.elementCount > 0 }
        guard floats.contains(where: { $0.shape.rank > 1 }) else { return nil }
        return [NumberFormat.bf16, .fp16].first { format in floats.allSatisfy { $0.isHeld(by: format) } }
    }
}

extension Tensor {
    fileprivate func isHeld(by format: NumberFormat) -> Bool {
        type.format == format || doubles().allSatisfy { !$0.isFinite || format.nearest($0) == $0 }
    }

    /// The narrowest of the formats that models are run in that has all of its numbers, since hooks often widen what they keep.
    package var narrowestFormat: NumberFormat {
        if let own = type.format, own.mantissaBits < 23 { return own }
        let numbers = doubles()
        let isHeld = { (format: NumberFormat) in numbers.allSatisfy { !$0.isFinite || format.nearest($0) == $0 } }
        if type == .f64, !isHeld(.fp32) { return .fp64 }
        return [NumberFormat.bf16, .fp16, .tf32].first(where: isHeld) ?? .fp32
    }
}
