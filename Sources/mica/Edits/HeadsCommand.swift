import ArgumentParser
import Engine
import Models
import Screen
import StrictJSON

/// Which heads copy and which look back.
struct HeadsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "heads", abstract: "Find induction heads and previous-token heads by their attention on repeated random tokens.",
        discussion: """
            Random tokens are said twice. Induction: the mean probability that a head gives, from a token's second occurrence, to what followed its \
            first (Olsson et al. 2022). Previous: the mean probability on the token before. The larger of the two sorts the table.

            Example: mica heads Samples/fables-llama
            """)

    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Option(help: ArgumentHelp("How many tokens are said twice.", valueName: "n"))
    var tokens = 40
    @Option(help: ArgumentHelp("How many sequences the scores are the mean of.", valueName: "n"))
    var draws = 16
    @Option(help: ArgumentHelp("Begin of the random numbers.", valueName: "n"))
    var seed: UInt64 = 0
    @Flag(help: "Print one JSON object.")
    var json = false
    @OptionGroup var quirks: QuirkOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if tokens < 2 { throw ValidationError("--tokens must be 2 or more.") }
        if draws < 1 { throw ValidationError("--draws must be 1 or more.") }
    }

    func run() throws {
        let model = try quirks.attached(to: Model(path: path))
        Interrupt.watch()
        var progress = Progress("reading", total: draws)
        defer { progress.finish() }
        let scores = try HeadScores(model, tokens: tokens, draws: draws, seed: seed, policy: precision.policy(threads: threads.count)) {
            draw in
            try Interrupt.check()
            progress.update(draw)
            return true
        }
        progress.finish()
        guard let scores else { throw Interrupted() }
        if json { Console.data("\(object(scores).lines)\n".utf8) } else { Console.print(text(scores)) }
    }

    private func text(_ scores: HeadScores) -> String {
        var table = TextTable(header: ["head", "induction", "previous"], rightAligned: [1, 2])
        for head in scores.heads.sorted(by: { max($0.induction, $0.previous) > max($1.induction, $1.previous) }) {
            table.add(["L\(head.layer)H\(head.head)"] + [head.induction, head.previous].map { Numbers.fixed($0, decimals: 3) })
        }
        let losses = [scores.firstLoss, scores.secondLoss].map { Numbers.fixed($0, decimals: 2) }
        return "\(table.text)\nloss \(losses[0]) the first time, \(losses[1]) the second"
    }

    private func object(_ scores: HeadScores) -> JSONValue {
        .object([
            ("tokens", .integer(tokens)), ("draws", .integer(draws)), ("seed", .string(String(seed))),
            ("first_loss", .real(scores.firstLoss)),
            ("second_loss", .real(scores.secondLoss)),
            (
                "heads",
                .array(
                    scores.heads.map { head in
                        .object([
                            ("layer", .integer(head.layer)), ("head", .integer(head.head)), ("induction", .real(head.induction)),
                            ("previous", .real(head.previous)),
                        ])
                    })
            ),
        ])
    }
}
