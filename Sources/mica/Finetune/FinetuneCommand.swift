import ArgumentParser
import Engine
import Foundation
import Models
import Screen
import Training

/// Trains a model, or an adapter beside it, on a file.
struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune", abstract: "Train a model, or an adapter beside it, on a file of text; or go on with a run.",
        usage: "mica finetune [<model> --data <file> --out <run> [<settings>]] [--resume <run>]",
        discussion: """
            --data is a .txt file, or .jsonl rows with text, messages, prompt and completion, or input_ids. RUN becomes a folder with the run's \
            log and checkpoints: an adapter in PEFT's format, or a model folder. A run that ended early, however it ended, goes on with --resume \
            to the same numbers.

            Example: mica finetune Samples/fables-llama --data Samples/pirate.txt --method lora --steps 100 --out runs/pirate
            """)

    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String?
    @Option(help: ArgumentHelp("The file to train on.", valueName: "file"))
    var data: String?
    @Option(help: ArgumentHelp("The new folder of the run.", valueName: "run"))
    var out: String?
    @Option(help: ArgumentHelp("Where a line a step is logged (default: log.jsonl in the run's folder).", valueName: "file.jsonl"))
    var log: String?
    @Option(help: ArgumentHelp("Go on with the run in this folder to its planned end.", valueName: "run"))
    var resume: String?
    @Flag(help: "Go on although the data has changed, to other numbers than an undisturbed run would give.")
    var inexact = false
    @Flag(help: "Say what the run would take in memory and time, and stop; --plan trl: write it to --out for transformers, PEFT and TRL.")
    var plan = false
    @Flag(name: .customLong(FinetuneCommand.planTRL), help: .hidden)
    var planTRL = false
    @Option(
        name: .customLong("plan-rate"),
        help: ArgumentHelp("With --plan: operations a second, in units of 10⁹, of another machine.", valueName: "gflops"))
    var planRate: Double?
    @Option(
        name: .customLong("plan-memory"), help: ArgumentHelp("With --plan: memory of another machine or its GPU.", valueName: "gib"))
    var planMemory: Double?
    @OptionGroup(title: "Settings") var options: FinetuneOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if let planRate, !(planRate > 0) { throw ValidationError("--plan-rate must be above 0.") }
        if let planMemory, !(planMemory > 0) { throw ValidationError("--plan-memory must be above 0.") }
        if resume == nil && (path == nil || data == nil || (out == nil && !plan)) {
            throw ValidationError("Give MODEL, --data FILE and --out RUN; or --resume RUN.")
        }
        if resume != nil && (plan || planTRL) { throw ValidationError("--plan is of a new run, without --resume.") }
        if resume != nil && (path != nil || data != nil || out != nil || log != nil || !options.given.isEmpty) {
            throw ValidationError("--resume takes everything from the run; leave MODEL, --data, --out, --log and the settings away.")
        }
    }

    func run() throws {
        // A limit on file sizes then gives an error that is told, not a signal that ends the process.
        signal(SIGXFSZ, SIG_IGN)
        Interrupt.watch()
        if plan {
            return try FinetunePlan.print(
                path ?? "", data ?? "", options.settings(), threads.count, rate: planRate, memory: planMemory)
        }
        if planTRL { return try FinetunePlan.write(path ?? "", data ?? "", options.settings(), threads.count, to: out ?? "") }
        var run = try start()
        for notice in run.notices { Console.note(notice) }
        for sentence in run.job.data.report.sentences(sequenceLength: run.job.dataSettings.sequenceLength) { Console.note(sentence) }
        for text in run.job.warnings { Console.note(text) }
        while let report = try run.finishStep(interrupted: { Interrupt.isPending }) {
            Console.note(line(report, of: run.job.steps))
            if let sample = run.sample { Console.note("  “\(run.job.settings.samplePrompt)” → \(sample)") }
        }
        try end(run)
    }

    static let planTRL = "plan-trl"

    /// `--plan` takes a word or none, which no kind of option can; `--plan trl` is read as an option of its own.
    static func spelled(_ arguments: [String]) -> [String] {
        guard arguments.first == configuration.commandName, let place = arguments.firstIndex(of: "--plan"),
            arguments.indices.contains(place + 1), arguments[place + 1] == "trl"
        else { return arguments }
        return arguments[..<place] + ["--\(planTRL)"] + arguments[(place + 2)...]
    }

    private func start() throws -> TrainingRun {
        let policy = Policy(threads: threads.count)
        if let resume { return try .resuming(resume, policy: policy, inexact: inexact) }
        let plan = TrainingRun.Plan(model: path ?? "", data: data ?? "", log: log ?? "", settings: try options.settings())
        return try .new(plan, in: out ?? "", policy: policy)
    }

    private func line(_ report: StepReport, of steps: Int) -> String {
        let numbers = [report.loss, report.rate, report.gradNorm].map { Numbers.compact($0) }
        return "step \(report.step)/\(steps)  loss \(numbers[0])  lr \(numbers[1])  |grad| \(numbers[2])"
    }

    /// What is left, and how to go on.
    private func end(_ run: consuming TrainingRun) throws {
        let folder = run.folder.path
        switch run.trainer.phase {
        case .stopped(let reason):
            try run.save()
            throw Failure("\(reason). The steps before it are in \(folder)")
        case .finished: Console.note("\(run.folder.folder(step: run.trainer.state.step)) is complete")
        default:
            try run.save()
            Console.note("interrupted after step \(run.trainer.state.step); go on with mica finetune --resume \(folder)")
            throw Interrupted()
        }
    }
}
