import ArgumentParser
import Engine
import Foundation
import Models
import Screen

/// Which ops make the error of a narrow run, and how few must stay wide.
struct BlameCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "blame", abstract: "Measure which ops make the error of a run in narrow formats, and how few of them must stay wide.",
        usage: """
            mica blame <model> --prompt <text> --precision <preset or file> [--high <preset or file>] [--by <op, kind or layer>] [--top <n>] \
            [--keep-within <tolerance>] [--out <file>] [--json]
            """,
        discussion: """
            The error is that of the logits against the same run in fp64. Each value, or weight, is measured twice: alone in the formats of --high \
            with all others in those of --precision (lifted), and the other way round (alone). Every number is a run.

            --keep-within searches the smallest set that must stay as --high has it for the result to keep to a tolerance: kl<1e-3 (nats a token), \
            nmse<1e-4, top1 (the likeliest token stays everywhere), top1>0.9, finite (nothing overflows). --out writes the policy that it found, \
            which --precision of every command reads; it is run once more to verify it. With --precision fp8e4m3 --high bf16 it finds what may go \
            down to fp8.

            Example: mica blame Samples/fables-llama --precision bf16 --prompt "Tom and Mia" --keep-within "kl<1e-5" --out mixed.policy
            """)

    @OptionGroup var source: ModelOptions
    @Option(
        help: ArgumentHelp(
            "The formats that the others are held against, as --precision; fp32, or fp64 if that is fp32.", valueName: "preset or file"))
    var high: String?
    @Option(help: ArgumentHelp("Measure op by op, or all of a kind or a layer together.", valueName: "op, kind or layer"))
    var by = "op"
    @Option(help: ArgumentHelp("How many lines are shown; JSON has all.", valueName: "n"))
    var top = 20
    @Option(help: ArgumentHelp("Search the smallest set that must stay high, so that this holds.", valueName: "tolerance"))
    var keepWithin: String?
    @Option(help: ArgumentHelp("The policy file to write.", valueName: "file"))
    var out: String?
    @Flag(help: "Print one JSON object.")
    var json = false

    func validate() throws {
        if Blamer.Grouping(rawValue: by) == nil { throw ValidationError("--by must be op, kind or layer.") }
        if top < 1 { throw ValidationError("--top must be 1 or more.") }
        if out != nil && keepWithin == nil { throw ValidationError("--out needs --keep-within, which finds what is written.") }
    }

    func run() throws {
        let policies = try [source.policy, highPolicy]
        let tolerance = try keepWithin.map { try EffectBound($0) }
        let (model, ids) = try source.load()
        Interrupt.watch()
        let runs = try policies.map { try BlameCommand.run(model, ids, $0) }

        guard let truth = try Oracle(of: runs[1], interrupted: { Interrupt.isPending }).flatMap({ Truth($0) }) else { throw Interrupted() }
        let titles = policies.map(\.title)
        if let tolerance {
            let search = try search(runs, truth, tolerance)
            guard let verified = try search.verified(by: model, ids: ids, interrupted: { Interrupt.isPending }) else { throw Interrupted() }
            try write(search, titles, ids.count)
            let report = KeepReport(search: search, verified: verified, titles: titles, tokens: ids.count, file: out)
            return json ? Console.data("\(report.json.lines)\n".utf8) : Console.print(report.text)
        }
        let report = BlameReport(blame: try blame(runs, truth), titles: titles, tokens: ids.count, top: top)
        json ? Console.data("\(report.json.lines)\n".utf8) : Console.print(report.text)
    }

    private var highPolicy: Policy {
        get throws {
            var options = source.precision
            let low = try source.policy
            options.precision = high ?? (low.title == Policy(.fp32).title ? "fp64" : "fp32")
            return try options.policy(threads: source.threads.count)
        }
    }

    private static func run(_ model: Model, _ ids: [Int], _ policy: Policy) throws -> Stepper {
        var stepper = try model.stepper(ids: ids, loss: false, policy: policy, keep: .all(budget: .max))
        try stepper.runVisibly("running")
        return stepper
    }

    private func blame(_ runs: [Stepper], _ truth: Truth) throws -> Blame {
        var blamer = try Blamer(low: runs[0], high: runs[1], truth: truth, by: Blamer.Grouping(rawValue: by) ?? .op)
        var progress = Progress("measuring", total: blamer.total)
        defer { progress.finish() }
        while !blamer.isFinished {
            guard try blamer.step(interrupted: { Interrupt.isPending }) else { throw Interrupted() }
            progress.update(blamer.done)
        }
        return blamer.blame
    }

    private func search(_ runs: [Stepper], _ truth: Truth, _ tolerance: EffectBound) throws -> KeepWithin {
        var search = try KeepWithin(low: runs[0], high: runs[1], truth: truth, tolerance: tolerance)
        var progress = Progress("searching", total: search.total)
        defer { progress.finish() }
        while !search.isFinished {
            guard try search.step(interrupted: { Interrupt.isPending }) else { throw Interrupted() }
            progress.update(search.done)
        }
        return search
    }

    private func write(_ search: KeepWithin, _ titles: [String], _ tokens: Int) throws {
        guard let out else { return }
        try Data(search.text(titles: titles, tokens: tokens, of: source.path).utf8).write(to: URL(fileURLWithPath: out))
    }
}
