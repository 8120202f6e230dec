import Engine
import Models
import Tensors

/// A finetune as a value that is stepped: batch, then forward and backward of each row, then clipping, then the update of each weight, and
/// again. It can be halted between any two ops, looked at, copied (a copy is a snapshot), and goes on to the same bits. It has no threads
/// and no clock.
package struct Trainer: Sendable {
    /// What is at work.
    package enum Phase: Sendable, Equatable {
        /// The next batch is to be drawn.
        case batch
        /// Of preferences: the forward of a row, for what its pair costs; `stepper` is inside it.
        case score(Int)
        /// Forward and backward of a row; `stepper` is inside it.
        case pass(Int)
        /// All gradients are there; their norm is next.
        case clip
        /// The update of a weight (its place in `job.parameters`); `stepper` is inside it.
        case update(Int)
        /// A rule ended the run; the weights are those before the step if the reason says so.
        case stopped(StopReason)
        case finished
    }

    package let job: TrainingJob
    /// Its replacements are the weights as they are now.
    package private(set) var model: Model
    package private(set) var state: TrainingState
    package private(set) var phase: Phase
    /// Inside a pass or an update.
    package private(set) var stepper: Stepper?
    /// Of the step at work, or of the last one.
    package private(set) var work: StepWork?
    /// Whether every value of a pass is kept, with its statistics, for somebody who looks; the bits are the same.
    package var watching = false
    /// Whether `updates` holds what the last step added to each weight, for somebody who looks; it takes as much memory as the weights.
    package var keepsUpdates = false
    package private(set) var updates: [String: Tensor] = [:]
    private var loader: BatchLoader
    private var programs: [Pass: Program] = [:]
    /// Summed losses of rows under the model that the run began with, each computed once.
    private var references: [[Int32]: Double] = [:]

    package init(_ job: TrainingJob) throws {
        var model = job.model
        for parameter in job.parameters { model.replacements[parameter.name] = try model.weight(parameter.name).contiguous() }
        try self.init(job, model: model, state: TrainingState())
    }

    /// Goes on where `state` and the model's replacements were left.
    package init(_ job: TrainingJob, model: Model, state: TrainingState) throws {
        self.job = job
        self.model = model
        self.state = state
        loader = BatchLoader(job.data, job.dataSettings, from: state.cursor)
        phase = state.step >= job.steps ? .finished : .batch
    }

    /// Whether some weights of the step have their update and others not yet: nothing that could be saved.
    private var isUpdating: Bool { if case .update = phase { true } else { false } }

    /// Runs to the end of the step; nil if a rule or the plan has ended the run, or if `interrupted`. A step whose updates have begun is
    /// finished first.
    package mutating func finishStep(interrupted: () -> Bool = { false }) throws -> StepReport? {
        while isUpdating || !interrupted() {
            if let report = try advance() { return report }
            switch phase {
            case .stopped, .finished: return nil
            default: continue
            }
        }
        return nil
    }

    /// Runs one op, or goes from one phase to the next. Returns what a step says of itself when it is done.
    @discardableResult
    package mutating func advance() throws -> StepReport? {
        if stepper?.isFinished == false {
            let written = try stepper?.step()
            if case .pass = phase, let reading = stepper?.lossReading(of: written) { work?.readings.append(reading) }
            return nil
        }
        switch phase {
        case .batch: try draw()
        case .score(let row): try weigh(row)
        case .pass(let row): try gather(row)
        case .clip: try clip()
        case .update(let number): return try take(number)
        case .stopped, .finished: break
        }
        return nil
    }

    /// Forgets the last op of the pass or update at work; false at its begin.
    package mutating func stepBack() -> Bool {
        guard let cursor = stepper?.cursor, cursor > 0 else { return false }
        stepper?.stepBack()
        return true
    }

    /// Draws the next batch, or goes back to the first row of the one whose update a rule has held back; then every op of the step is
    /// still to come. False where no step begins: in the middle of one, and at the end. A walk into a batch does this to a copy.
    package mutating func beginStep() throws -> Bool {
        switch phase {
        case .batch: try draw()
        case .stopped(.nonFinite), .stopped(.spike):
            work?.forgetRows()
            try begin(row: 0)
        default: return false
        }
        return true
    }

    /// Makes the update that a spike has held back.
    package mutating func overrule() throws {
        guard case .stopped(.spike) = phase else { return }
        try begin(update: 0)
    }

    // MARK: phases

    private mutating func draw() throws {
        guard let batch = loader.next() else { throw SettingError(rule: "the data has no rows") }
        work = StepWork(batch, job.settings, rate: job.schedule.rate(at: state.step))
        try job.settings.method.isPreference ? begin(score: 0) : begin(row: 0)
    }

    private mutating func begin(row number: Int) throws {
        guard let work else { return }
        stepper = try pass(work.rows[number], denominator: work.denominators[number], key: dropoutKey(row: number))
        phase = .pass(number)
    }

    private mutating func begin(score number: Int) throws {
        guard let work else { return }
        stepper = try pass(work.rows[number], denominator: 1, key: dropoutKey(row: number), backward: false)
        phase = .score(number)
    }

    /// Takes a row's summed loss; after the last, the pairs' costs are known.
    private mutating func weigh(_ row: Int) throws {
        guard let pass = stepper, var work else { return }
        stepper = nil
        let loss = try pass.program.id(of: "loss").flatMap { try pass.tensor($0)?.value(at: [0]) } ?? .nan
        let reference = try job.settings.method == .dpo ? reference(work.rows[row]) : 0
        work.scores.append(Preference.Answer(loss: loss, count: work.rows[row].counted, reference: reference))
        let isLast = row + 1 == work.rows.count
        if isLast { work.settle(Preference(job.settings)) }
        self.work = work
        try isLast ? begin(row: 0) : begin(score: row + 1)
    }

    /// Under the weights that the run began with, with nothing dropped out.
    private mutating func reference(_ row: BatchRow) throws -> Double {
        let key = row.ids + row.labels
        if let known = references[key] { return known }
        var model = job.model
        model.adapter?.dropout = 0
        let loss = try model.summedLoss(row, policy: job.policy)
        references[key] = loss
        return loss
    }

    /// Forward, and backward if wanted, of one row without its padding.
    private mutating func pass(_ row: BatchRow, denominator: Double, key: UInt64, backward: Bool = true) throws -> Stepper {
        let count = row.ids.count - row.padding
        var shape = Pass(tokens: count, packed: row.documents > 1, share: true)
        shape.fusedLoss = job.canFuse
        let leaves: ((Value) -> Bool)? = backward ? { [trained = job.trained] in trained.contains($0.name) } : nil
        let program = try (backward ? programs[shape] : nil) ?? model.program(shape, leaves: leaves)
        if backward { programs[shape] = program }
        let bindings = try model.bindings(
            program, ids: row.ids.prefix(count).map(Int.init),
            inputs: [
                "position_ids": Tensor(ids: model.quirked(positions: Array(row.positions.prefix(count)))),
                Pass.firstKeys: Tensor(ids: Array(row.starts.prefix(count))),
                Pass.batchTokens: Tensor(Shape((.item, 1)), [Float(denominator)]),
                LowRank.key: Tensor(ids: Dropout.parts(of: key), axis: .item),
            ].merging(row.targets(count, of: model.objective)) { $1 })
        return try Stepper(
            program, policy: job.policy, keep: watching ? .all(budget: .max) : job.settings.checkpointing.keep, bindings: bindings)
    }

    /// Of seed, step and row alone, so that it needs no history.
    private func dropoutKey(row: Int) -> UInt64 {
        var random = SplitMix64(state: UInt64(max(0, job.settings.seed)))
        random = SplitMix64(state: random.next() ^ UInt64(state.step))
        random = SplitMix64(state: random.next() ^ UInt64(row))
        return random.next()
    }

    private mutating func gather(_ row: Int) throws {
        guard let pass = stepper, var work else { return }
        self.work = nil
        stepper = nil
        if let loss = pass.program.id(of: "loss"), let value = try pass.tensor(loss)?.value(at: [0]) { work.shares.append(value) }
        for (number, name) in model.objective.parts.enumerated() {
            let value = try pass.program.id(of: name).flatMap { try pass.tensor($0)?.value(at: [0]) } ?? .nan
            work.add(value, toHead: number)
        }
        for parameter in job.parameters {
            guard let id = pass.program.id(of: "grad:\(parameter.name)"), let gradient = try pass.tensor(id) else { continue }
            let sum = try work.gradients[parameter.name].map { try Kernels.add($0, gradient, threads: job.policy.threads) }
            work.gradients[parameter.name] = try sum ?? gradient.contiguous()
        }
        let next = row + 1
        let isLast = next == work.rows.count
        self.work = work
        if isLast { phase = .clip } else { try begin(row: next) }
    }

    private mutating func clip() throws {
        guard var work else { return }
        var sum = 0.0
        for parameter in job.parameters {
            if let gradient = work.gradients[parameter.name] { sum += try Kernels.sumOfSquares(gradient, threads: job.policy.threads) }
        }
        work.gradNorm = sum.squareRoot()
        // As torch.nn.utils.clip_grad_norm_ does it.
        let limit = job.settings.maxGradNorm
        if limit > 0 { work.clip = min(1, limit / (work.gradNorm + 1e-6)) }
        self.work = work
        let stop = StopRules(job.settings).before(
            step: state.step + 1, loss: work.loss, gradNorm: work.gradNorm, earlier: state.losses)
        if let stop { phase = .stopped(stop) } else { try begin(update: 0) }
    }

    private mutating func begin(update number: Int) throws {
        let parameter = job.parameters[number]
        let rule = UpdateRule(job.settings)
        let name = parameter.name
        let program = try rule.program(
            name, parameter.shape, rate: (work?.rate ?? 0) * parameter.ratio, step: state.step + 1, clip: work?.clip ?? 1)
        let zeros = { try Tensor(parameter.shape) { $0.update(repeating: 0) } }
        var bindings: [Int: Tensor] = [:]
        for (id, value) in program.values.enumerated() where value.step == nil {
            if value.role == .weight {
                bindings[id] = try model.weight(name).view(value.shape)
            } else if value.name == "grad:\(name)" {
                bindings[id] = try work?.gradients[name] ?? zeros()
            } else if let slot = rule.slots.firstIndex(where: { value.name == "\($0).before:\(name)" }) {
                bindings[id] = try state.moments[name]?[slot].tensor(threads: job.policy.threads) ?? zeros()
            }
        }
        stepper = try Stepper(program, policy: job.updatePolicy, keep: .all(budget: .max), bindings: bindings)
        phase = .update(number)
    }

    /// Takes over a weight's update; after the last, the step is done.
    private mutating func take(_ number: Int) throws -> StepReport? {
        guard let update = stepper else { return nil }
        stepper = nil
        let name = job.parameters[number].name
        guard let new = try update.program.id(of: "new:\(name)").flatMap({ try update.tensor($0) }) else { return nil }
        if keepsUpdates { updates[name] = try Kernels.addScaled(new, model.weight(name), factor: -1, threads: job.policy.threads) }
        var moments: [Moment] = []
        for slot in UpdateRule(job.settings).slots {
            guard let value = try update.program.id(of: "\(slot):\(name)").flatMap({ try update.tensor($0) }) else { continue }
            moments.append(try keep(value, slot: slot))
        }
        state.moments[name] = moments
        model.replacements[name] = new
        if number + 1 < job.parameters.count {
            try begin(update: number + 1)
            return nil
        }
        return finish()
    }

    /// Small weights (norms, biases) stay exact: their moments weigh nothing.
    private func keep(_ value: Tensor, slot: String) throws -> Moment {
        guard job.settings.optimizer == .adamw8bit, value.elementCount >= 4096 else { return .exact(value) }
        return .blocks(try BlockCodes(value, levels: slot == "adam.v" ? .unsigned : .signed, block: 256, threads: job.policy.threads))
    }

    private mutating func finish() -> StepReport? {
        guard let work else { return nil }
        self.work?.gradients = [:]
        state.step += 1
        state.cursor = loader.cursor
        state.tokens += work.tokens
        let rules = StopRules(job.settings)
        state.losses = (state.losses + [work.loss]).suffix(rules.memory)
        phase = state.step >= job.steps ? .finished : rules.after(step: state.step, losses: state.losses).map { .stopped($0) } ?? .batch
        return StepReport(
            step: state.step, loss: work.loss, rate: work.rate, gradNorm: work.gradNorm, tokens: work.tokens, epoch: work.batch.epoch,
            preference: work.preference, heads: work.heads)
    }
}
