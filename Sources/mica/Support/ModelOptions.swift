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
    @Option(help: ArgumentHelp("What a user says, put into the model's chat template.", valueName: "text"))
    var chat: String?
    @OptionGroup var quirks: QuirkOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if chat != nil && (prompt.prompt != nil || prompt.ids != nil) { throw ValidationError("Give --chat, --prompt or --ids.") }
    }

    /// The model and the ids of the prompt.
    func load() throws -> (model: Model, ids: [Int]) {
        var model = try quirks.attached(to: Model(path: path))
        if let adapter { try PEFTAdapter(path: adapter).attach(to: &model) }
        let ids = model.quirked(try chat.map { try ModelOptions.asked($0, model) } ?? prompt.tokens(for: model))
        try model.check(ids)
        return (model, ids)
    }

    private static func asked(_ words: String, _ model: Model) throws -> [Int] {
        guard let tokenizer = model.tokenizer else { throw Failure(model.tokenizerProblem ?? "\(model.path) has no tokenizer; use --ids") }
        guard let ids = try tokenizer.chatPrompt(words) else {
            throw Failure("\(model.path) has no chat template; write the whole text with --prompt")
        }
        return ids.map(Int.init)
    }

    /// With --chat: the token that ends the answer.
    func turnEnd(_ model: Model) throws -> Int? {
        guard chat != nil else { return nil }
        return try model.tokenizer?.chatTurnEnd().map(Int.init)
    }

    var policy: Policy { get throws { try precision.policy(threads: threads.count) } }
}

extension Stepper {
    /// A rule of a file that fits no value changes nothing, which may be a slip of the pen.
    func noteIdleRules() {
        for rule in policy.rules where rule.isIdle(in: program) { Console.note("\(rule.located) fits no value of this model") }
    }

    /// Runs to the end with a bar; `visit` gets every value when it has been written. Ctrl-C ends the run.
    mutating func runVisibly(_ label: String, visit: (inout Stepper, Int) throws -> Void = { _, _ in }) throws {
        noteIdleRules()
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

/// A loss is of what follows a token.
enum LossTokens {
    static func check(_ ids: [Int]) throws {
        if ids.count < 2 { throw Failure("a loss needs two tokens or more; give a longer prompt") }
    }
}

/// Which values are listed, and how.
struct ListingOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only values whose name has this part, or fits this pattern (* and ?).", valueName: "pattern"))
    var names: String?
    @Flag(help: "Print one JSON object.")
    var json = false
    @Flag(help: "Print tab-separated columns with all digits.")
    var tsv = false

    func validate() throws {
        if json && tsv { throw ValidationError("Give --json or --tsv, not both.") }
    }

    /// Of the values of a program those that are asked for, with a row each.
    func rows<Row>(_ program: Program, _ row: (Value, Int) -> Row?) throws -> [Row] {
        let pattern = names.map { NamePattern($0) }
        let rows = program.steps.compactMap { step in
            let value = program.values[step.output]
            return pattern?.matches(value) ?? true ? row(value, step.output) : nil
        }
        if rows.isEmpty { throw Failure("no value's name fits \(names ?? "")") }
        return rows
    }
}
