import ArgumentParser
import Checkpoints
import Models

/// What lies at a path, and what is wrong with it.
struct InfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Say what a model folder or file is, and what is wrong with it.",
        discussion: """
            PATH is a model folder, or one file of it: model.safetensors, model.safetensors.index.json, config.json, tokenizer.json. Only tables \
            are read, so a model larger than memory is no trouble. The exit code is 1 if anything is wrong.

            Example: mica info Samples/fables-llama
            """)

    @Argument(help: "A model folder, or a file of one.")
    var path: String
    @Flag(help: "Print one JSON object.")
    var json = false
    @Flag(help: "List every tensor.")
    var tensors = false

    func run() throws {
        let report = try InfoReport(path: path)
        if json {
            Console.data("\(report.json(listingTensors: tensors).lines)\n".utf8)
        } else if report.hasContent {
            Console.print(report.text(listingTensors: tensors))
        }
        if let complaint = report.complaint { throw Failure(complaint) }
    }
}
