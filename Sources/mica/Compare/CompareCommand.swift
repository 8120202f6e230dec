import ArgumentParser
import Engine
import Models
import Tensors

/// A run against another, value by value.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Compare two runs value by value, or a run with what another program computed.",
        discussion: """
            A is MODEL run in --a. B is the same with what --b, --quirk, --rule and --edits say, or OTHER, or the tensors of a safetensors file \
            (--dump): what hooks in PyTorch kept, or what mica trace wrote; with --dump, --quirk and --edits change A. Values are matched by \
            name and listed in running order with the normalised mean squared error, sum (a - b)^2 / sum a^2, the largest difference, the \
            cosine and log10 of the L2 norm of the difference; at the end how far the distributions over the next token lie apart.

            A value is beyond the tolerance (✗) where the error is larger than --tolerance. Without that it is, by the coarsest format up to \
            there: fp32 1e-8, fp16 and tf32 1e-5, bf16 1e-4, narrower 1e-2, fp64 1e-24.

            Exit code 0: all is within; 1: a value is beyond, and the first is named; 2: the comparison could not be made; 64: wrong use; 130: \
            interrupted.

            --verdict judges each op of B by its formula in fp64 on B's own inputs and by a model of rounding: so many times as far as the \
            formats, the number of products and the conditioning explain. What lies downstream of a bug only carries it. --samples computes \
            each op again on the same inputs, products with their terms in another order, other ops and narrow formats by stochastic \
            rounding, always by the same seeds: the columns are the model's deviation and the samples', each the root mean square over the value.

            Example: mica compare Samples/fables-gemma2 --b bf16 --prompt "Tom and Mia"
            """)

    @OptionGroup var sides: CompareSides
    @OptionGroup var prompt: PromptOptions
    @Option(help: ArgumentHelp("The normalised mean squared error that is allowed; otherwise it goes by the formats.", valueName: "nmse"))
    var tolerance: Double?
    @Option(help: ArgumentHelp("Only values whose name has this part, or fits this pattern (* and ?).", valueName: "pattern"))
    var names: String?
    @Flag(help: "Also the gradients of the loss, under grad:NAME.")
    var backward = false
    @Flag(help: "Say of each value whether rounding explains the difference (noise, carried) or not (bug), with the factor.")
    var verdict = false
    @Option(
        help: ArgumentHelp(
            "With --verdict: compute each op so many times more, otherwise rounded, and print how far that moved it.", valueName: "count"))
    var samples = 0
    @Flag(help: "Print one JSON object.")
    var json = false
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if !(0...1000).contains(samples) { throw ValidationError("--samples must be 0 to 1000.") }
        if samples > 0 && !verdict { throw ValidationError("--samples goes with --verdict.") }
        if let tolerance, !(tolerance >= 0) { throw ValidationError("--tolerance must be a number from 0.") }
    }

    func run() throws {
        let report: CompareReport
        do {
            report = try compared()
        } catch let failure as Failure {
            throw Failure(failure.message, code: failure.code == 1 ? 2 : failure.code)
        } catch let error as Interrupted {
            throw error
        } catch {
            throw Failure("\(error)", code: 2)
        }
        if json { Console.data("\(report.json.lines)\n".utf8) } else { Console.print(report.text) }
        if report.comparison.firstBeyond != nil { throw ExitCode(1) }
    }

    private func compared() throws -> CompareReport {
        let pair = try sides.load(prompt, backward: backward, threads: threads.count)
        Interrupt.watch()
        var comparer = Comparer(
            pair.run, against: pair.side, tolerance: Tolerance(nmse: tolerance), names: names.map { NamePattern($0) })
        guard comparer.total > 0 else { throw Failure(CompareCommand.nothing(comparer.comparison, names)) }
        var progress = Progress("comparing", total: comparer.total)
        defer { progress.finish() }
        while !comparer.isFinished {
            try Interrupt.check()
            try comparer.step()
            progress.update(comparer.done)
        }
        let verdicts = verdict ? try verdicts(pair) : nil
        return CompareReport(
            comparison: comparer.comparison, verdicts: verdicts, titles: pair.titles, ids: pair.ids,
            quirks: sides.dump == nil ? sides.quirks.quirk : [])
    }

    /// B's ops by A's formulas on B's own inputs, both runs stepped once more.
    private func verdicts(_ pair: CompareSides.Pair) throws -> Verdicts {
        var (judge, verdicts) = (Judge(pair.side, stepping: pair.run, backward: backward, samples: samples), Verdicts())
        var progress = Progress("judging", total: judge.total)
        defer { progress.finish() }
        while !judge.isFinished {
            try Interrupt.check()
            try judge.step(into: &verdicts)
            progress.update(judge.done)
        }
        return verdicts
    }

    private static func nothing(_ comparison: Comparison, _ names: String?) -> String {
        if let names, comparison.onlyHere.isEmpty { return "no value's name fits \(names)" }
        return comparison.nothingShared
    }
}
