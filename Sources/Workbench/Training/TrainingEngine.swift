import Engine
import Foundation
import Models
import Tensors
import Training

/// What the engine thread keeps of a finetune.
struct TrainingWork {
    var run: TrainingRun
    var progress: TrainingProgress
    /// It stands when so many updates have been made; nil: it stands.
    var until: Int?
    var walk: BatchWalk?
    /// Of the step at work.
    private var spent = Duration.zero

    var isRunning: Bool { until != nil }
    var model: Model { run.trainer.model }

    /// `budget` is what may be used for looking, in bytes.
    init(_ run: TrainingRun, budget: Int) {
        self.run = run
        let parameters = run.job.parameters
        let elements = parameters.reduce(0) { $0 + $1.shape.elementCount }
        progress = TrainingProgress(
            model: run.job.model.path, data: run.job.data.report.file, settings: run.job.settings, folder: run.folder.path,
            steps: run.job.steps, tensors: parameters.count,
            elements: elements, report: run.job.data.report, weights: parameters.map(TrainedWeight.init),
            keepsUpdates: 4 * elements <= budget / 2)
        self.run.trainer.keepsUpdates = progress.keepsUpdates
        progress.step = run.trainer.state.step
        let report = run.job.data.report
        let sentences = report.sentences(sequenceLength: run.job.dataSettings.sequenceLength)
        let name = report.file.split(separator: "/").last.map(String.init) ?? report.file
        for text in run.notices + sentences { note(.info, text.replacing(report.file, with: name)) }
        for text in run.job.warnings { note(.warning, text) }
        note(.info, "the run's folder is \(shortened(run.folder.path))")
    }

    /// As one would name it from here.
    private func shortened(_ path: String) -> String {
        let here = FileManager.default.currentDirectoryPath + "/"
        return path.hasPrefix(here) ? String(path.dropFirst(here.count)) : path
    }

    mutating func note(_ kind: TrainingNote.Kind, _ text: String) {
        progress.notes.append(TrainingNote(step: run.trainer.state.step, kind: kind, text: text))
    }

    /// Goes on with the step at work until it is done or `interrupted`. True if something is to be told.
    mutating func advance(interrupted: () -> Bool) throws -> Bool {
        let (began, saved) = (ContinuousClock.now, run.lastSaved)
        let report = try run.finishStep(interrupted: interrupted)
        spent += ContinuousClock.now - began
        if let report { take(report) }
        if run.lastSaved > saved { note(.good, "saved \(run.folder.folder(step: run.lastSaved).split(separator: "/").last ?? "")") }
        return settle() || report != nil
    }

    private mutating func take(_ report: StepReport) {
        progress.points.append(
            TrainingPoint(
                step: report.step, loss: report.loss, validation: run.validation, rate: report.rate, gradNorm: report.gradNorm,
                tokens: report.tokens, seconds: spent / .seconds(1), memory: ProcessMemory.resident,
                margin: report.preference?.margin))
        spent = .zero
        progress.step = report.step
        takeRows()
        if let sample = run.sample { note(.good, "writes “\(sample.trimmingCharacters(in: .whitespacesAndNewlines))”") }
        let limit = run.job.settings.maxGradNorm
        if limit > 0, report.gradNorm > limit { noteClipped(report, limit) }
    }

    /// The screen has the batch of the last step again.
    mutating func endWalk() {
        progress.walk = nil
        takeRows()
    }

    private mutating func takeRows() {
        progress.rows = run.trainer.work?.rows ?? []
        progress.readings = run.trainer.work?.readings.map(BatchRowReading.init) ?? []
    }

    /// One line for steps that follow each other.
    private mutating func noteClipped(_ report: StepReport, _ limit: Double) {
        let clipped = progress.points.reversed().prefix { $0.gradNorm > limit }.count
        if clipped > 1, let at = progress.notes.lastIndex(where: { $0.text.hasPrefix("|g|") }) { progress.notes.remove(at: at) }
        let text = "|g| \(report.gradNorm.short) clipped to \(limit.short)" + (clipped > 1 ? ", \(clipped) steps running" : "")
        note(.info, text)
    }

    /// Whether the run has come to a stand.
    private mutating func settle() -> Bool {
        let before = progress.phase
        switch run.trainer.phase {
        case .finished:
            (until, progress.phase) = (nil, .finished)
            if before != .finished { note(.good, "finished") }
        case .stopped(let reason):
            (until, progress.phase) = (nil, .stopped("\(reason)"))
            takeRows()
            if before != progress.phase { note(.warning, "\(reason)") }
        case .batch where until.map({ $0 <= run.trainer.state.step }) == true: (until, progress.phase) = (nil, .paused)
        default: break
        }
        return progress.phase != before
    }

    mutating func go(until step: Int) throws {
        if case .stopped(.spike) = run.trainer.phase {
            try run.trainer.overrule()
            note(.warning, "goes on over the spike")
        }
        switch run.trainer.phase {
        case .finished: throw PromptError(rule: "the run has come to its planned end")
        case .stopped(let reason): throw PromptError(rule: "\(reason); :why walks to the op")
        default: break
        }
        (until, progress.phase) = (max(step, run.trainer.state.step + 1), .running)
    }

    mutating func pause() {
        guard isRunning else { return }
        (until, progress.phase) = (run.trainer.state.step + 1, .pausing)
    }

    /// Makes a checkpoint of the last whole step, so that the run can go on another day.
    mutating func save() throws {
        let saved = run.lastSaved
        try run.save()
        if run.lastSaved > saved { note(.good, "saved \(run.folder.folder(step: run.lastSaved).split(separator: "/").last ?? "")") }
    }
}

extension Double {
    /// Four digits, for a line of the log.
    fileprivate var short: String { String(format: "%.4g", self) }
}

extension EngineState {
    mutating func perform(_ command: TrainingCommand, cancelled: () -> Bool) throws {
        switch command {
        case .start(let plan, let folder, let until):
            try endTraining()
            emit(.busy("reading \(plan.data)"))
            try begin(TrainingWork(.new(asOnScreen(plan), in: folder, policy: policy), budget: budget), until: until)
        case .resume(let folder):
            try endTraining()
            emit(.busy("reading \(folder)"))
            try begin(TrainingWork(.resuming(folder, policy: policy), budget: budget), until: .max)
        case .run(let until):
            leaveWalk()
            try withTraining { try $0.go(until: until) }
        case .pause: pauseTraining()
        case .walk: try beginWalk()
        case .leave: leaveWalk()
        case .why: try why(cancelled)
        case .save: try withTraining { try $0.save() }
        }
    }

    /// What the form leaves open is as the model on the screen has it.
    private func asOnScreen(_ plan: TrainingRun.Plan) -> TrainingRun.Plan {
        var plan = plan
        if plan.settings.precision.isEmpty { plan.settings.precision = policy.written }
        if plan.settings.quirks.isEmpty { plan.settings.quirks = model?.quirks.map(\.name).joined(separator: ",") ?? "" }
        return plan
    }

    private mutating func begin(_ work: TrainingWork, until: Int) throws {
        training = work
        adapterHasChanged()
        try training?.go(until: until)
        tellTraining()
    }

    private mutating func withTraining(_ body: (inout TrainingWork) throws -> Void) throws {
        guard var work = training else { throw PromptError(rule: "there is no finetune; :finetune DATA begins one") }
        training = nil
        defer {
            training = work
            tellTraining()
        }
        try body(&work)
    }

    func tellTraining() { if let progress = training?.progress { emit(.training(progress)) } }

    mutating func pauseTraining() {
        guard training?.isRunning == true else { return }
        training?.pause()
        tellTraining()
    }

    /// The steps that were made are saved; a run that cannot be saved is told and dropped.
    mutating func endTraining() throws {
        guard training != nil else { return }
        leaveWalk()
        defer {
            training = nil
            adapterHasChanged()
        }
        try training?.save()
    }

    /// The thread ends.
    package mutating func end() { try? endTraining() }

    mutating func advanceTraining(interrupted: () -> Bool) {
        guard var work = training, work.isRunning else { return }
        // The value must not be held twice while it changes.
        training = nil
        var tells = true
        do { tells = try work.advance(interrupted: interrupted) } catch {
            (work.until, work.progress.phase) = (nil, .stopped("\(error)"))
            work.note(.warning, "\(error)")
            emit(.failed("\(error)"))
        }
        training = work
        if tells { tellTraining() }
    }
}
