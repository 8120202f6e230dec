import ArgumentParser
import Engine
import Models
import Training
import Foundation

/// Trains a model on a file.
struct FinetuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune", abstract: "Train a model, or an adapter beside it, on a file of text.",
        discussion: """
            --data is a .txt file, or .jsonl rows with text, messages, prompt and completion, or input_ids. RUN is a new folder for the run's log \
            and checkpoints.

            Example: mica finetune Samples/fables-llama --data Samples/pirate.txt --method lora --steps 100 --out runs/pirate
            """)

    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Option(help: ArgumentHelp("The file to train on.", valueName: "file"))
    var data: String
    @Option(help: ArgumentHelp("The folder of the run.", valueName: "run"))
    var out: String
    @Option(help: ArgumentHelp("One JSON object a step goes here too.", valueName: "file.jsonl"))
    var log: String?
    @OptionGroup(title: "Settings") var options: FinetuneOptions
    @OptionGroup var threads: ThreadOptions

    func run() throws {
        let settings = try options.settings()
        let job = try TrainingJob(
            model: Model(path: path), settings: settings, data: data, policy: Policy(threads: threads.count))
        Interrupt.watch()
        var trainer = try Trainer(job)
        var lines = ""
        while let report = try trainer.finishStep(interrupted: { Interrupt.isPending }) {
            lines += "{\"step\": \(report.step), \"loss\": \(report.loss), \"lr\": \(report.rate), \"grad_norm\": \(report.gradNorm)}\n"
            Console.note("step \(report.step)/\(job.steps)  loss \(report.loss)  lr \(report.rate)  |g| \(report.gradNorm)")
        }
        if let log { try lines.write(toFile: log, atomically: true, encoding: .utf8) }
        try Interrupt.check()
    }
}
