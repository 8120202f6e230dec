import Checkpoints
import Engine
import Foundation
import Models
import StrictJSON
import Tensors

/// A trainer with its folder: it logs every step, saves when it is time, and goes on from what was saved.
package struct TrainingRun: Sendable {
    package var trainer: Trainer
    package let folder: RunFolder
    /// What has to be said before it starts.
    package let notices: [String]
    private let log: RunLog
    private let base: String
    private let dataChecksum: String
    /// The step of the newest checkpoint; 0: none.
    package private(set) var lastSaved: Int
    /// The loss on the validation file, where the last step measured it.
    package private(set) var validation: Double?
    /// What the model wrote last, when `--sample-every` asks for it.
    package private(set) var sample: String?
    private var began = ContinuousClock.now

    /// What a run is made of; also what `run.json` holds.
    package struct Plan: Sendable {
        package var model: String
        package var data: String
        /// Empty: log.jsonl in the run's folder.
        package var log: String
        package var settings: TrainingSettings

        package init(model: String, data: String, log: String = "", settings: TrainingSettings) {
            self.model = RunFolder.absolute(model)
            self.data = RunFolder.absolute(data)
            self.log = log.isEmpty ? "" : RunFolder.absolute(log)
            self.settings = settings
        }

        var json: JSONValue {
            .object([
                ("schema", .integer(1)), ("model", .string(model)), ("data", .string(data)), ("log", .string(log)),
                ("settings", .object(Setting.all.map { ($0.name, .string($0.read(settings))) })),
            ])
        }

        init(_ file: ConfigFile) throws {
            guard let model = file.object["model"]?.string, let data = file.object["data"]?.string,
                let values = file.object["settings"]?.object
            else { throw file.fault("model, data or settings are missing", next: "Start the run anew.") }
            var settings = TrainingSettings()
            for (name, value) in values.members {
                guard let setting = Setting.find(name), let text = value.string else {
                    throw file.fault("setting \(CheckpointError.quoted(name)) is unknown", next: "Go on with the program that wrote it.")
                }
                try setting.set(text, in: &settings)
            }
            (self.model, self.data, self.settings) = (model, data, settings)
            log = file.object["log"]?.string ?? ""
        }
    }

    /// A new run in a folder without one.
    package static func new(_ plan: Plan, in path: String, policy: Policy) throws -> TrainingRun {
        let folder = try RunFolder(path: path)
        if folder.hasRun { throw RunError(path, "there is a run in this folder", next: "Go on with --resume, or choose another folder.") }
        var plan = plan
        plan.settings = try plan.settings.readingPolicy()
        if !plan.settings.validation.isEmpty { plan.settings.validation = RunFolder.absolute(plan.settings.validation) }
        if !plan.settings.adapter.isEmpty { plan.settings.adapter = RunFolder.absolute(plan.settings.adapter) }
        let job = try TrainingJob(model: Model(path: plan.model), settings: plan.settings, data: plan.data, policy: policy)
        try folder.describe(plan.json)
        return try TrainingRun(plan, job, folder, manifest: nil, notices: [], inexact: false)
    }

    /// Goes on with the run in a folder, from its newest checkpoint that holds.
    package static func resuming(_ path: String, policy: Policy, inexact: Bool = false) throws -> TrainingRun {
        guard access(path, F_OK) == 0 else { throw RunError(path, "no such folder", next: "Check the path.") }
        let folder = try RunFolder(path: path)
        let plan = try Plan(folder.describing())
        let (manifest, notices) = try folder.newest()
        let job = try TrainingJob(model: Model(path: plan.model), settings: plan.settings, data: plan.data, policy: policy)
        let start = manifest.map { "going on after step \($0.step)" } ?? "there is no complete checkpoint; the run begins anew"
        return try TrainingRun(plan, job, folder, manifest: manifest, notices: notices + [start], inexact: inexact)
    }

    private init(_ plan: Plan, _ job: TrainingJob, _ folder: RunFolder, manifest: Manifest?, notices: [String], inexact: Bool) throws {
        base = Fingerprint.of(job.model.checkpoint, threads: job.policy.threads)
        dataChecksum = try WholeFile.checksum(plan.data, as: "data").sha256
        if let manifest {
            try TrainingRun.check(manifest, plan, folder, base: base, data: dataChecksum, inexact: inexact)
            trainer = try TrainerFiles(job: job).trainer(manifest, in: folder.folder(step: manifest.step))
        } else {
            trainer = try Trainer(job)
        }
        lastSaved = manifest?.step ?? 0
        log = try RunLog(path: plan.log.isEmpty ? "\(folder.path)/log.jsonl" : plan.log, after: lastSaved)
        self.folder = folder
        self.notices = folder.notices + notices
    }

    /// Whether the run can go on to the same bits.
    private static func check(
        _ manifest: Manifest, _ plan: Plan, _ folder: RunFolder, base: String, data: String, inexact: Bool
    ) throws(RunError) {
        if manifest.base != base {
            throw RunError(
                folder.path, "the run was made on a base with sha256 \(manifest.base.prefix(12))…, \(plan.model) has \(base.prefix(12))…",
                next: "Put the old weights back, or start anew.")
        }
        guard !inexact else { return }
        let other = "The run can go on, but not to the same numbers: give --inexact if that will do."
        if manifest.data != data { throw RunError(folder.path, "\(plan.data) has changed since the checkpoint was made", next: other) }
        if manifest.seed != plan.settings.seed {
            throw RunError(folder.path, "the checkpoint has no state of the random numbers", next: other)
        }
    }

    package var job: TrainingJob { trainer.job }

    /// Runs to the end of a step, logs it and saves if it is time. Nil if the run has ended, was stopped or interrupted.
    package mutating func finishStep(interrupted: () -> Bool = { false }) throws -> StepReport? {
        guard let report = try trainer.finishStep(interrupted: interrupted) else {
            if case .finished = trainer.phase { try save() }
            return nil
        }
        try record(report)
        return report
    }

    /// Logs a step that the trainer has finished, and saves if it is time.
    package mutating func record(_ report: StepReport) throws {
        validation = try isValidated(report.step) ? trainer.validationLoss() : nil
        let isSampled = job.settings.sampleEvery > 0 && report.step % job.settings.sampleEvery == 0
        sample = isSampled ? try trainer.sample(job.settings.samplePrompt) : nil
        try log.append(line(report, validation))
        let every = job.settings.saveEvery
        if report.step == job.steps || (every > 0 && report.step % every == 0) { try save() }
    }

    private func isValidated(_ step: Int) -> Bool {
        guard job.validation != nil else { return false }
        let every = job.settings.validateEvery
        return step == job.steps || (every > 0 && step % every == 0)
    }

    private mutating func line(_ report: StepReport, _ validation: Double?) -> JSONValue {
        let seconds = (ContinuousClock.now - began) / .seconds(1)
        began = .now
        return .object(
            [
                ("step", .integer(report.step)), ("loss", .real(report.loss)), ("lr", .real(report.rate)),
                ("grad_norm", .real(report.gradNorm)),
                ("tokens", .integer(report.tokens)), ("seconds", .real(seconds)), ("memory", .integer(ProcessMemory.resident)),
                ("epoch", .integer(report.epoch)),
            ] + (validation.map { [("validation", .real($0))] } ?? [])
                + (report.preference.map { [("margin", .real($0.margin)), ("accuracy", .real($0.accuracy))] } ?? [])
                + (report.heads.isEmpty ? [] : [("heads", .array(report.heads.map { .real($0) }))])
                + (sample.map { [("sample", .string($0))] } ?? []))
    }

    /// Makes a checkpoint of the step that was finished last, unless there is one.
    package mutating func save() throws {
        let step = trainer.state.step
        guard step > lastSaved else { return }
        try log.sync()
        var manifest = Manifest()
        manifest.step = step
        manifest.base = base
        manifest.data = dataChecksum
        manifest.cursor = trainer.state.cursor
        manifest.tokens = trainer.state.tokens
        manifest.losses = trainer.state.losses
        manifest.seed = job.settings.seed
        let files = TrainerFiles(job: job)
        try folder.save(manifest, byteCount: files.byteCount(trainer), keep: job.settings.keep) { [trainer] in
            try files.write(trainer, to: $0)
        }
        lastSaved = step
    }
}

/// What the process holds.
package enum ProcessMemory {
    /// Bytes in memory now; 0 where the system does not say.
    package static var resident: Int { field("VmRSS:") }
    /// Bytes in memory at most so far.
    package static var peak: Int { field("VmHWM:") }

    private static func field(_ name: String) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) })
        else { return 0 }
        return (line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
    }
}
