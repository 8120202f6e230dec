import Tensors

/// Judges another run, value by value, against the program that a trusted run has: each op is computed by its formula in fp64 on the other
/// run's own inputs, with how far rounding can go, so that what lies downstream of a bug is not called another. Where an input is not known,
/// as in a dump of modules, it is computed from what is, and its uncertainty with it.
package struct Judge: Sendable {
    private var trusted: Stepper
    private var suspect: Suspect
    /// What the other side has, as long as something reads it: a run that keeps nothing has dropped it by then.
    private var known: [Int: Tensor] = [:]
    /// What had to be computed, as long as something reads it.
    private var expected: [Int: Expectation] = [:]
    /// Values that are off, by themselves or by an input.
    private var tainted: Set<Int> = []
    private var cursor = 0
    private var asTrusted = false
    /// Whether runs are stepped on to what is judged.
    private var isRunning = false
    private let leaves: [Int]
    /// The steps that are judged: the forward ones, or the reverse walk's too.
    private let stepCount: Int
    /// How often each op is computed again, otherwise rounded.
    private var samples = 0
    /// Of the value that was judged last, if samples were asked for.
    private(set) var spread: RoundingSpread?

    /// Both runs must have come as far as is judged. The other may have other ops, formats, kernels and tokens.
    /// With `asTrusted` it is held to the trusted run's formats, too.
    package init(_ run: Stepper, by trusted: Stepper, asTrusted: Bool = false) {
        self.init(.run(run), by: trusted)
        self.asTrusted = asTrusted
    }

    /// Tensors by name, as PyTorch's hooks give them; weights and what is missing are the trusted run's.
    package init(_ tensors: [String: Tensor], by trusted: Stepper) { self.init(.tensors(tensors), by: trusted) }

    /// Runs are stepped as far as they have to be, side by side, so that neither has to keep its values; with `backward` through the
    /// reverse walk. Each op is sampled so many times beside the model's deviation.
    package init(_ side: ComparedSide, stepping trusted: Stepper, backward: Bool = false, samples: Int = 0) {
        switch side {
        case .run(let run): self.init(.run(run), by: trusted, backward: backward)
        case .tensors(let named): self.init(.tensors(named.tensors), by: trusted, backward: backward)
        }
        (isRunning, self.samples) = (true, samples)
    }

    private init(_ suspect: Suspect, by trusted: Stepper, backward: Bool = false) {
        (self.suspect, self.trusted) = (suspect, trusted)
        leaves = trusted.program.leaves
        stepCount = backward ? trusted.program.steps.count : trusted.program.forwardCount
    }

    /// Leaves first, then steps in order.
    package var done: Int { cursor }
    package var total: Int { leaves.count + stepCount }
    package var isFinished: Bool { cursor >= total }

    /// Judges one more value; nil where there is nothing to judge: the other side does not have it, or somebody set it by hand.
    package mutating func step() throws -> Verdict? {
        guard !isFinished else { return nil }
        defer { cursor += 1 }
        spread = nil
        let verdict = try cursor < leaves.count ? leaf(leaves[cursor]) : made(cursor - leaves.count)
        if let verdict, verdict.kind == .bug || verdict.kind == .carried { tainted.insert(verdict.value) }
        return verdict
    }

    /// Samples of one value's op on the other side's own inputs; nil where these are not known, or nothing is rounded.
    package static func spread(
        of id: Int, _ side: ComparedSide, by trusted: Stepper, samples: Int
    ) throws -> RoundingSpread? {
        guard let number = trusted.program.values[id].step else { return nil }
        var judge = Judge(side, stepping: trusted, backward: true, samples: samples)
        judge.cursor = judge.leaves.count + number
        _ = try judge.step()
        return judge.spread
    }

    /// What the trusted program calls the value.
    func name(of verdict: Verdict) -> String { trusted.program.values[verdict.value].name }

    func isMade(_ verdict: Verdict) -> Bool { trusted.program.values[verdict.value].step != nil }

    /// All of them; nil if `interrupted`.
    package static func verdicts(_ judge: Judge, interrupted: () -> Bool = { false }) throws -> [Verdict]? {
        var (judge, verdicts) = (judge, [Verdict]())
        while !judge.isFinished {
            if interrupted() { return nil }
            if let verdict = try judge.step() { verdicts.append(verdict) }
        }
        return verdicts
    }

    private mutating func leaf(_ id: Int) throws -> Verdict? {
        let value = trusted.program.values[id]
        guard value.role != .cache, let found = try suspect.tensor(value, in: trusted.program), let own = trusted.given(id) else {
            return nil
        }
        guard value.role == .weight else {
            // Of another text the positions are others too.
            let isCarried = value.name != "input_ids" && !tainted.isEmpty
            return Verdict(id, given: found, try trusted.tensor(id) ?? own, isCarried: isCarried)
        }
        // The op that reads a weight of another size is judged, and not the weight.
        if own.isSame(as: found) || suspect.isRun && value.hasOtherSizes(found) { return nil }
        let format = asTrusted ? trusted.format(of: id) : suspect.format(value, found)
        let isSame = own.type == found.type && ErrorSize(found.doubles(), from: own.doubles(), shape: own.shape).maximum == 0
        return Verdict(id, found: found, expected: Expectation(exactly: own).stored(in: format), isSame: isSame, isCarried: false)
    }

    private mutating func made(_ number: Int) throws -> Verdict? {
        let step = trusted.program.steps[number]
        let value = trusted.program.values[step.output]
        if isRunning { try runOn(to: value, number) }
        defer { forget(after: number) }
        let found = try suspect.tensor(value, in: trusted.program)
        if trusted.program.lastUse[step.output] > number { known[step.output] = found }
        if number < trusted.cursor, let found, try isOfOtherSizes(step) {
            return Verdict(step.output, ofOtherSize: found, value.shape, isCarried: !tainted.isEmpty)
        }
        let choice = asTrusted ? trusted.choices[number] : suspect.choice(value, found, as: trusted.choices[number])
        guard number < trusted.cursor, let inputs = try inputs(step, unrounded: choice.unrounded) else { return nil }
        if trusted.isEdited(step.output) { return nil }
        let made = try Expectation(trusted.op(ofStep: number), choice, inputs, threads: trusted.policy.threads)
        if samples > 0 { spread = try sampled(number, choice, inputs, made) }
        let isCarried = step.inputs.contains(where: tainted.contains)
        guard let found = try found.flatMap({ try Layout.fitted($0, to: made.shape).tensor }) else {
            expected[step.output] = made
            if isCarried { tainted.insert(step.output) }
            return nil
        }
        return Verdict(step.output, found: found, expected: made, isSame: try isSame(found, step.output), isCarried: isCarried)
    }

    /// Nil where an input had to be computed, or nothing is rounded.
    private func sampled(
        _ number: Int, _ choice: Policy.Choice, _ inputs: [Expectation.Input], _ made: Expectation
    ) throws -> RoundingSpread? {
        guard let known = Expectation.Input.tensors(inputs) else { return nil }
        return try RoundingSample(trusted.op(ofStep: number), choice, known, threads: trusted.policy.threads)?.spread(
            made, samples: samples)
    }

    /// Whether a run's op reads or writes other sizes than the program's, so that its formula does not fit.
    private func isOfOtherSizes(_ step: Step) throws -> Bool {
        guard suspect.isRun else { return false }
        return try (step.inputs + [step.output]).contains { id in
            let value = trusted.program.values[id]
            return try (known[id] ?? suspect.tensor(value, in: trusted.program)).map(value.hasOtherSizes) ?? false
        }
    }

    private func isSame(_ found: Tensor, _ id: Int) throws -> Bool {
        guard let own = try trusted.tensor(id), own.shape.counts == found.shape.counts else { return false }
        return ErrorSize(found.doubles(), from: own.doubles(), shape: own.shape).maximum == 0
    }

    /// Nil if nothing is known of one of them.
    private func inputs(_ step: Step, unrounded: [Int] = []) throws -> [Expectation.Input]? {
        let inputs = try step.inputs.enumerated().map { place, id -> Expectation.Input? in
            let value = trusted.program.values[id]
            if unrounded.contains(place), let input = try self.unrounded(id) { return input }
            if let tensor = try known[id] ?? suspect.tensor(value, in: trusted.program), suspect.isReadable(tensor, as: value) {
                return .known(tensor)
            }
            if let expectation = expected[id] { return .expected(expectation) }
            return value.step == nil ? try trusted.tensor(id).map { .known($0) } : nil
        }
        let all = inputs.compactMap { $0 }
        return all.count == inputs.count ? all : nil
    }

    /// A value before it was rounded: a run makes it again, and from tensors it can be computed if they have what its op reads.
    private func unrounded(_ id: Int) throws -> Expectation.Input? {
        let value = trusted.program.values[id]
        if suspect.isRun { return try suspect.unrounded(value).map { .known($0) } }
        guard let number = value.step, let inputs = try inputs(trusted.program.steps[number]) else { return nil }
        let choice = suspect.choice(value, known[id], as: trusted.choices[number])
        return .expected(try Expectation(trusted.op(ofStep: number), choice.partsOnly(), inputs, threads: trusted.policy.threads))
    }

    private mutating func runOn(to value: Value, _ number: Int) throws {
        while trusted.cursor <= number { try trusted.step() }
        try suspect.runOn(to: value)
    }

    private mutating func forget(after number: Int) {
        for id in trusted.program.steps[number].inputs where trusted.program.lastUse[id] == number {
            (expected[id], known[id]) = (nil, nil)
        }
    }
}

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
    fileprivate func hasOtherSizes(_ tensor: Tensor) -> Bool {
        guard tensor.shape.rank == shape.rank else { return true }
        return zip(shape.axes, tensor.shape.axes).contains { own, found in
            own.count != found.count && ![.token, .query, .key, .position].contains(own.name)
        }
    }
}

extension Tensor {
    /// The narrowest of the formats that models are run in that has all of its numbers, since hooks often widen what they keep.
    package var narrowestFormat: NumberFormat {
        if let own = type.format, own.mantissaBits < 23 { return own }
        let numbers = doubles()
        let isHeld = { (format: NumberFormat) in numbers.allSatisfy { !$0.isFinite || format.nearest($0) == $0 } }
        if type == .f64, !isHeld(.fp32) { return .fp64 }
        return [NumberFormat.bf16, .fp16, .tf32].first(where: isHeld) ?? .fp32
    }
}
