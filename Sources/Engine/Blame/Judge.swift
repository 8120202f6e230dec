import Tensors

/// Judges another run, value by value, against the program that a trusted run has: each op is computed by its formula in fp64 on the other
/// run's own inputs, with how far rounding can go, so that what lies downstream of a bug is not called another. Where an input is not known,
/// as in a dump of modules, it is computed from what is, and its uncertainty with it.
///
/// Tensors that are all in 16 bits may be of a run in these, whose parts were rounded and whose inputs are known, or of a finer one whose values
/// were rounded when they were kept: then an op read what lies within half a step of its inputs. Where the trusted run is finer than the file
/// either may be, so a value is a bug only if neither explains it, and by the second no more than that half a step can be seen.
package struct Judge: Sendable {
    private var trusted: Stepper
    private var suspect: Suspect
    /// What the other side has, as long as something reads it: a run that keeps nothing has dropped it by then.
    private var known: [Int: Tensor] = [:]
    /// What had to be computed, as long as something reads it.
    private var expected: [Int: Expectation] = [:]
    /// The same if what it was computed from was rounded when it was kept.
    private var expectedOfKept: [Int: Expectation] = [:]
    /// In what the tensors of a file may have been kept; nil: in the format of the run that made them.
    private let kept: NumberFormat?
    /// Values of a file that are finer than the trusted run has them, or are made of such.
    private var finer: Set<Int> = []
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
        if case .tensors(let tensors) = suspect { kept = NumberFormat.narrow(holding: tensors.values) } else { kept = nil }
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
        let choice = asTrusted ? trusted.choices[number] : choice(number, found)
        let isFiner = finer.contains(step.output)
        guard number < trusted.cursor, let inputs = try inputs(step, unrounded: choice.unrounded, asGiven: isFiner) else { return nil }
        if trusted.isEdited(step.output) { return nil }
        let made = try Expectation(trusted.op(ofStep: number), choice, inputs, threads: trusted.policy.threads)
        if samples > 0 { spread = try sampled(number, choice, inputs, made) }
        let isCarried = step.inputs.contains(where: tainted.contains)
        guard let found = try found.flatMap({ try Layout.fitted($0, to: made.shape).tensor }) else {
            expected[step.output] = made
            expectedOfKept[step.output] = try ofKept(number)
            if isCarried { tainted.insert(step.output) }
            return nil
        }
        let verdict = Verdict(step.output, found: found, expected: made, isSame: try isSame(found, step.output), isCarried: isCarried)
        guard verdict.isBug, let kept, let made = try ofKept(number)?.stored(in: kept, hides: step.op.hidesWithInfinity) else {
            return verdict
        }
        let other = Verdict(step.output, found: found, expected: made, isSame: false, isCarried: isCarried).withValues(kept: kept)
        return other.factor < verdict.factor ? other : verdict
    }

    /// How the other side made a value. What a file has finer than the trusted run was not made by kernels that read narrow numbers.
    private mutating func choice(_ number: Int, _ found: Tensor?) -> Policy.Choice {
        let (step, own) = (trusted.program.steps[number], trusted.choices[number])
        var choice = suspect.choice(trusted.program.values[step.output], found, as: own)
        guard !suspect.isRun, own.format.block == nil else { return choice }
        let isFiner = found == nil ? step.inputs.contains(where: finer.contains) : choice.format.mantissaBits > own.format.mantissaBits
        guard isFiner else { return choice }
        finer.insert(step.output)
        (choice.kernel, choice.inputs, choice.accumulation) = (nil, nil, nil)
        if found == nil, choice.format.mantissaBits < NumberFormat.fp32.mantissaBits { choice.format = .fp32 }
        return choice.resolved()
    }

    /// What a step gives as the trusted run computes it, if the file's values were rounded when they were kept; nil where the run is no finer
    /// than the file.
    private func ofKept(_ number: Int) throws -> Expectation? {
        let (step, choice) = (trusted.program.steps[number], trusted.choices[number])
        guard let kept, choice.format.block == nil, choice.format.mantissaBits > kept.mantissaBits else { return nil }
        return try inputs(step, kept: kept).map { try Expectation(trusted.op(ofStep: number), choice, $0, threads: trusted.policy.threads) }
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

    /// Nil if nothing is known of one of them. With `kept` what is known may have been rounded to that; `asGiven` are weights that the other
    /// side did not round.
    private func inputs(
        _ step: Step, unrounded: [Int] = [], kept: NumberFormat? = nil, asGiven: Bool = false
    ) throws -> [Expectation.Input]? {
        let inputs = try step.inputs.enumerated().map { place, id -> Expectation.Input? in
            let value = trusted.program.values[id]
            if unrounded.contains(place), let input = try self.unrounded(id) { return input }
            let isOwn = kept != nil && value.role == .weight
            if !isOwn, let tensor = try known[id] ?? suspect.tensor(value, in: trusted.program), suspect.isReadable(tensor, as: value) {
                return kept.flatMap { input(id, tensor, kept: $0) } ?? .known(tensor)
            }
            if let expectation = (kept == nil ? nil : expectedOfKept[id]) ?? expected[id] { return .expected(expectation) }
            return value.step == nil ? try (asGiven ? trusted.given(id) : trusted.tensor(id)).map { .known($0) } : nil
        }
        let all = inputs.compactMap { $0 }
        return all.count == inputs.count ? all : nil
    }

    /// What a value was that has been rounded to a format; nil where nothing rounds it.
    private func input(_ id: Int, _ tensor: Tensor, kept: NumberFormat) -> Expectation.Input? {
        guard tensor.type.isFloat, let maker = trusted.program.values[id].step else { return nil }
        let hides = trusted.program.steps[maker].op.hidesWithInfinity
        return .expected(Expectation(exactly: tensor).stored(in: kept, hides: hides))
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
            (expected[id], expectedOfKept[id], known[id]) = (nil, nil, nil)
        }
    }
}
