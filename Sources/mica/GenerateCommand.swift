import ArgumentParser
import Engine
import Models
import Screen
import Tokenizers

/// The model goes on with a text.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Let the model go on with a text, or with ids.",
        discussion: """
            Standard output has the new text (or ids) and nothing else, with --compare-base both texts under their names; the speed is said on \
            standard error. Without a word about sampling, the \
            likeliest token is taken. The same seed gives the same text.

            Example: mica generate Samples/fables-llama --prompt "12 + 7 =" --max-tokens 8 --greedy
            """)

    @OptionGroup var source: ModelOptions
    @OptionGroup var what: EditOptions
    @Option(name: .customLong("max-tokens"), help: ArgumentHelp("Stop after so many new tokens.", valueName: "n"))
    var maxTokens = 100
    @OptionGroup var sampling: SamplingOptions
    @Flag(name: .customLong("ids-only"), help: "Print ids, separated by commas.")
    var idsOnly = false

    @Flag(name: .customLong("compare-base"), help: "With --adapter: first the text without it, then the text with it.")
    var comparesBase = false

    func validate() throws {
        if comparesBase && source.adapter == nil { throw ValidationError("--compare-base needs --adapter.") }
        if maxTokens < 0 { throw ValidationError("--max-tokens must not be negative.") }
    }

    func run() throws {
        let (model, ids) = try source.load()
        if !idsOnly && model.tokenizer == nil {
            throw Failure("\(model.tokenizerProblem ?? "there is no tokenizer"); or ask for --ids-only")
        }
        Interrupt.watch()
        guard comparesBase else { return try generate(model, ids) }
        for (name, place) in [("base", AdapterMode.Place.unloaded), ("adapter", .beside)] {
            Console.print("\(name):")
            try generate(AdapterMode(place: place).applied(to: model, threads: source.policy.threads), ids)
            if !idsOnly && !Console.outputIsTerminal { Console.print("") }
        }
    }

    private func generate(_ model: Model, _ ids: [Int]) throws {
        var writer = TextWriter(tokenizer: idsOnly ? nil : model.tokenizer, after: ids)
        let result = try GenerationLoop(
            model: model, prompt: ids, edits: what.load(for: model, policy: source.policy), policy: source.policy,
            sampler: sampling.sampler(), limit: maxTokens, turnEnd: source.turnEnd(model)
        ).run { writer.write($0) }
        writer.finish()
        Console.note(result.summary)
        if result.end == .interrupted { throw Interrupted() }
    }
}

/// How the next token is chosen.
struct SamplingOptions: ParsableArguments {
    @Flag(help: "Take the likeliest token.")
    var greedy = false
    @Option(help: ArgumentHelp("Divide the logits by this; below 1 is bolder, 0 is greedy.", valueName: "t"))
    var temperature: Double?
    @Option(name: .customLong("top-k"), help: ArgumentHelp("Draw from the k likeliest tokens; 0: from all.", valueName: "k"))
    var topK: Int?
    @Option(
        name: .customLong("top-p"), help: ArgumentHelp("Draw from the likeliest tokens that together have probability p.", valueName: "p"))
    var topP: Double?
    @Option(help: ArgumentHelp("Begin of the random numbers.", valueName: "n"))
    var seed: UInt64 = 0

    func validate() throws {
        let draws = temperature != nil || topK != nil || topP != nil
        if greedy && draws { throw ValidationError("Give --greedy or --temperature, --top-k, --top-p.") }
        if let temperature, !(temperature >= 0 && temperature.isFinite) { throw ValidationError("--temperature must be a number from 0.") }
        if let topK, topK < 0 { throw ValidationError("--top-k must not be negative.") }
        if let topP, !(topP > 0 && topP <= 1) { throw ValidationError("--top-p must be above 0 and at most 1.") }
    }

    func sampler() -> Sampler {
        let draws = temperature != nil || topK != nil || topP != nil
        return Sampler(temperature: draws ? temperature ?? 1 : 0, topK: topK ?? 0, topP: topP ?? 1, seed: seed)
    }
}
