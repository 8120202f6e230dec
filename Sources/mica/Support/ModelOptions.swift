import ArgumentParser
import Engine
import Models

/// MODEL, what it reads, and how it is run.
struct ModelOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Option(help: ArgumentHelp("An adapter in PEFT's format beside the model.", valueName: "folder"))
    var adapter: String?
    @OptionGroup var prompt: PromptOptions
    @OptionGroup var threads: ThreadOptions

    /// The model and the ids of the prompt.
    func load() throws -> (model: Model, ids: [Int]) {
        var model = try Model(path: path)
        if let adapter { try PEFTAdapter(path: adapter).attach(to: &model) }
        let ids = try prompt.tokens(for: model)
        try model.check(ids)
        return (model, ids)
    }

    var policy: Policy { Policy(threads: threads.count) }
}

extension Stepper {
    /// Runs to the end with a bar; `visit` gets every value when it has been written. Ctrl-C ends the run.
    mutating func runVisibly(_ label: String, visit: (inout Stepper, Int) throws -> Void = { _, _ in }) throws {
        var progress = Progress(label, total: program.steps.count)
        defer { progress.finish() }
        while !isFinished {
            try Interrupt.check()
            let id = try step()
            try visit(&self, id)
            progress.update(cursor)
        }
    }
}
