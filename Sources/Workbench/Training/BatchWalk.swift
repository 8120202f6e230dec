import Engine
import Models
import Tensors
import Training

/// A walk into a batch: a copy of the trainer that is stepped and looked at. The run itself stands where it stood, so that leaving the
/// walk and going on cannot differ from never having looked.
struct BatchWalk {
    /// At the first op of the step.
    let opened: Trainer
    var trainer: Trainer
    /// What the other screens showed before.
    let passes: [Generation]
    let inner: [Expansion]
    let entered: [String]

    var place: WalkPlace? {
        guard let work = trainer.work, let stage = trainer.stage else { return nil }
        let parameters = trainer.job.parameters
        let isRow = stage < work.rows.count
        return WalkPlace(
            step: trainer.state.step + 1, stage: stage, rows: work.rows.count, updates: parameters.count,
            weight: isRow ? "" : parameters[stage - work.rows.count].name, gradNorm: isRow ? nil : work.gradNorm, clip: work.clip)
    }

    /// Tokens of the row, without padding.
    var ids: [Int] {
        guard let work = trainer.work, let stage = trainer.stage else { return [] }
        let row = work.rows[min(stage, work.rows.count - 1)]
        return row.ids.prefix(row.ids.count - row.padding).map(Int.init)
    }
}

extension Trainer {
    /// The rows of the step in order, then the updates of the weights; nil between two steps.
    var stage: Int? {
        switch phase {
        case .pass(let row): row
        case .update(let number): (work?.rows.count ?? 0) + number
        default: nil
        }
    }
}

extension EngineState {
    mutating func beginWalk() throws {
        guard let work = training else { throw PromptError(rule: "there is no finetune; :finetune DATA begins one") }
        guard !work.isRunning else { throw PromptError(rule: "the run goes on; Space pauses it after the step at work") }
        guard work.walk == nil else { return }
        var trainer = work.run.trainer
        guard try trainer.beginStep() else { throw PromptError(rule: "the run has no next batch: \(work.progress.phase.words)") }
        // Of preferences: what the pairs cost, from the rows' losses, comes before anything is walked back.
        while trainer.stage == nil { try trainer.advance() }
        training?.walk = BatchWalk(opened: trainer, trainer: trainer, passes: passes, inner: inner, entered: entered)
        try showWalk()
    }

    mutating func leaveWalk() {
        guard let walk = training?.walk else { return }
        training?.walk = nil
        training?.endWalk()
        (passes, inner, entered, journey) = (walk.passes, walk.inner, walk.entered, nil)
        run += 1
        publish()
        tellTraining()
    }

    /// Makes the stepper of the stage what the other screens show, at its first op and with everything kept.
    mutating func showWalk() throws {
        guard let walk = training?.walk, let stepper = walk.trainer.stepper else { return }
        var leaves: [Int: Tensor] = [:]
        for (id, value) in stepper.program.values.enumerated() where value.step == nil { leaves[id] = stepper.recording.tensors[id] }
        let shown = try Stepper(stepper.program, policy: stepper.policy, keep: .all(budget: budget), bindings: leaves)
        passes = [Generation(model: walk.trainer.model, stepper: shown, ids: walk.ids)]
        (inner, entered, journey) = ([], [], nil)
        run += 1
        training?.progress.walk = walk.place
        training?.progress.rows = walk.trainer.work?.rows ?? []
        training?.progress.readings = []
        // The pass first: who reads that the walk has begun, and steps, steps in it.
        publish()
        tellTraining()
    }

    /// To another stage of the step; what lies between is computed.
    mutating func moveWalk(by count: Int, _ cancelled: () -> Bool) throws {
        guard let walk = training?.walk, let now = walk.trainer.stage else { return }
        let target = now + count
        guard target >= 0 else { throw PromptError(rule: "this is the first row of the batch") }
        var trainer = count < 0 ? walk.opened : walk.trainer
        emit(.busy("computing the step; C-c stops"))
        while trainer.stage.map({ $0 < target }) ?? true {
            if cancelled() { throw PromptError(rule: "stopped; the walk stands where it stood") }
            if case .stopped(let reason) = trainer.phase { throw PromptError(rule: "\(reason); :why walks to the op") }
            if try trainer.advance() != nil { throw PromptError(rule: "this is the last update of the step; X leaves, Space goes on") }
        }
        training?.walk?.trainer = trainer
        try showWalk()
    }

    /// Row after row until a value is not finite.
    mutating func why(_ cancelled: () -> Bool) throws {
        if training?.walk == nil { try beginWalk() }
        guard let rows = training?.walk?.place?.rows else { return }
        if training?.walk?.trainer.stage != 0 { try moveWalk(to: 0, cancelled) }
        var stops = Stops()
        stops.watchpoints = [Watchpoint(NamePattern("*"), .nonFinite)]
        for row in 0..<rows {
            if row > 0 { try moveWalk(by: 1, cancelled) }
            let last = passes.count - 1
            let stop = try passes[last].stepper.advance(passes[last].stepper.journey(to: .end), stops: stops, interrupted: cancelled)
            publish()
            guard case .finished = stop else { return emit(.stopped(stop)) }
        }
        throw PromptError(rule: "every value of the step's forward and backward is finite")
    }

    private mutating func moveWalk(to stage: Int, _ cancelled: () -> Bool) throws {
        guard let now = training?.walk?.trainer.stage else { return }
        try moveWalk(by: stage - now, cancelled)
    }
}

extension TrainingProgress.Phase {
    /// One word, or the reason.
    package var words: String {
        switch self {
        case .running: "running"
        case .pausing: "pausing"
        case .paused: "paused"
        case .stopped(let why): why
        case .finished: "finished"
        }
    }
}
