import ArgumentParser
import Engine
import Models
import Screen
import Tensors

/// How fast a model runs here.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the speed and memory of a model on this machine.",
        discussion: """
            forward: the logits of every token, nothing kept. kept: every value kept, with its statistics. decode: 64 tokens one at a time behind \
            a prompt of 64. backward: the loss and the gradients of all weights. lora: one step of AdamW on adapters of rank 16 beside every \
            linear layer. Both compute cheap values again (--checkpointing light). Of these the best of several runs after one that does not \
            count. switch, when it is asked for: milliseconds until the workbench has other numbers after a format was changed at the first \
            layer of 64 tokens, or everywhere, the slowest of six. Weights are used in the format of their file; arithmetic is fp32.

            Example: mica bench Samples/fables-llama --work forward
            """)

    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Option(help: "Measure this alone: forward, kept, decode, backward, lora, switch.")
    var work: Work?
    @OptionGroup var precision: PrecisionOptions
    @Option(help: ArgumentHelp("Tokens of a pass (512, or the context if it is shorter).", valueName: "n"))
    var tokens: Int?
    @OptionGroup var quirks: QuirkOptions
    @OptionGroup var threads: ThreadOptions
    @Flag(help: "Print one JSON object.")
    var json = false

    enum Work: String, CaseIterable, ExpressibleByArgument {
        case forward, kept, decode, backward, lora
        case live = "switch"

        /// Those that count tokens a second.
        static let rates = allCases.filter { $0 != .live }
    }

    func validate() throws {
        if let tokens, tokens < 1 { throw ValidationError("--tokens must be at least 1.") }
    }

    func run() throws {
        let model = try quirks.attached(to: Model(path: path))
        if let tokens, tokens > model.settings.context {
            throw Failure.usage("--tokens \(tokens) is more than the model's context of \(model.settings.context)")
        }
        Interrupt.watch()
        let policy = try precision.policy(threads: threads.count)
        if work == .live {
            let count = tokens ?? min(64, model.settings.context)
            let bench = SwitchBench(path: path, policy: policy, ids: Bench.ids(count, below: model.settings.vocabulary))
            return Console.print(bench.report(try bench.measure(), json: json))
        }
        let bench = Bench(model: model, policy: policy, tokens: tokens ?? min(512, model.settings.context))
        let results = try (work.map { [$0] } ?? Work.rates).map { try bench.measure($0) }
        Buffer.releaseUnused()  // or the limit's matrices would come on top of the works' memory
        let limit = try ProductLimit.measure(policy)
        let report = BenchReport(
            path: path, precision: precision.precision, results: results,
            machine: BenchMachine(threads: policy.threads, productLimit: limit))
        if json {
            let object = work == nil ? report.json : report.jsonOfOne
            return Console.data("\(object.line)\n".utf8)
        }
        Console.print(report.text)
    }
}
