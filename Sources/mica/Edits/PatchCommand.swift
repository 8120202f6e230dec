import ArgumentParser
import Engine
import Models
import Screen
import StrictJSON

/// Where in a model the answer lies.
struct PatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch", abstract: "Copy parts of a clean run into a corrupted one and see which bring the answer back.",
        discussion: """
            Activation patching (Meng et al. 2022): for each layer and position (or head) the corrupted run is computed again from there with the \
            clean run's numbers in that one place. A cell is the normalised logit difference (Wang et al. 2022): (patched - corrupted) / \
            (clean - corrupted), where each is logit(answer) - logit(wrong) after the last token; 0 changes nothing, 1 restores the clean answer. \
            Without --answer and --wrong they are the likeliest tokens of the two runs. Both prompts must have as many tokens.

            Example: mica patch Samples/fables-llama --clean "When Mia and Tom went to the market, Tom gave a ring to" \
            --corrupted "When Tom and Mia went to the market, Mia gave a ring to"
            """)

    @Argument(help: ArgumentHelp("A model folder.", valueName: "model"))
    var path: String
    @Option(help: ArgumentHelp("The prompt whose numbers are copied; text, or ids 1,2,3.", valueName: "text"))
    var clean: String
    @Option(help: ArgumentHelp("The prompt whose run is changed.", valueName: "text"))
    var corrupted: String
    @Option(help: ArgumentHelp("residual, attention or mlp by position, or heads.", valueName: "what"))
    var what = "residual"
    @Option(help: ArgumentHelp("The token that the clean prompt asks for: its text, or its id.", valueName: "token"))
    var answer: String?
    @Option(help: ArgumentHelp("The token that it is compared with.", valueName: "token"))
    var wrong: String?
    @Flag(help: "Print one JSON object.")
    var json = false
    @OptionGroup var quirks: QuirkOptions
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if PatchScan.What(rawValue: what) == nil {
            throw ValidationError("--what must be \(PatchScan.What.allCases.map(\.rawValue).joined(separator: ", ")).")
        }
        if (answer == nil) != (wrong == nil) { throw ValidationError("Give --answer and --wrong, or neither.") }
    }

    func run() throws {
        let model = try quirks.attached(to: Model(path: path))
        Interrupt.watch()
        let policy = try precision.policy(threads: threads.count)
        let runs = try [clean, corrupted].map { try RunPrompt($0).run(model, policy: policy, budget: 1 << 30) }
        var scanner = try PatchScanner(
            PatchScan.What(rawValue: what) ?? .residual, clean: runs[0].stepper, corrupted: runs[1].stepper, question: question(model))
        try PatchCommand.finish(&scanner)
        let report = PatchReport(scan: scanner.scan, model: model, ids: runs.map(\.ids))
        if json { Console.data("\(report.json.lines)\n".utf8) } else { Console.print(report.text) }
    }

    private static func finish(_ scanner: inout PatchScanner) throws {
        var progress = Progress("patching", total: scanner.scan.total)
        defer { progress.finish() }
        while !scanner.scan.isFinished {
            try Interrupt.check()
            try scanner.step()
            progress.update(scanner.scan.done)
        }
    }

    private func question(_ model: Model) throws -> PatchScan.Question? {
        guard let answer, let wrong else { return nil }
        return PatchScan.Question(answer: try model.token(answer), wrong: try model.token(wrong))
    }
}

/// A scan in text and JSON.
struct PatchReport {
    let scan: PatchScan
    let model: Model
    /// Of the clean and the corrupted prompt.
    let ids: [[Int]]

    var text: String {
        let (answer, wrong) = (label(scan.question.answer), label(scan.question.wrong))
        let heading =
            "logit(\(answer)) - logit(\(wrong)): clean \(Numbers.compact(scan.clean)), corrupted \(Numbers.compact(scan.corrupted))"
        return ([heading, ""] + (scan.what == .heads ? byHead : byPosition)).joined(separator: "\n")
    }

    private var layers: [String] { scan.layers.map { $0 < 0 ? "emb" : "L\($0)" } }

    private var byHead: [String] {
        table(
            (0..<scan.rows).map { row in [layers[row]] + (0..<scan.columns).map { cell(row, $0) } },
            header: [""] + (0..<scan.columns).map { "H\($0)" })
    }

    /// Positions go down, with both prompts' tokens: a text is longer than a model is deep.
    private var byPosition: [String] {
        let rows = (0..<scan.columns).map { column in
            [String(column), label(ids[0][column]), label(ids[1][column])] + (0..<scan.rows).map { cell($0, column) }
        }
        return table(rows, header: ["", "clean", "corrupted"] + layers)
    }

    private func table(_ rows: [[String]], header: [String]) -> [String] {
        let names = scan.what == .heads ? 1 : 3
        var table = TextTable(header: header, rightAligned: Set(names..<header.count))
        for row in rows { table.add(row) }
        return [table.text]
    }

    /// Two decimals and a bar, so that the picture is seen without colours.
    private func cell(_ row: Int, _ column: Int) -> String {
        let value = scan[row, column]
        let shades = Array(" ░▒▓█")
        let shade = value.isFinite ? shades[min(max(Int((value * 4).rounded()), 0), 4)] : "?"
        return "\(Numbers.fixed(Double(value), decimals: 2)) \(shade)"
    }

    private func label(_ id: Int) -> String {
        guard let tokenizer = model.tokenizer else { return String(id) }
        return String(decoding: tokenizer.tokenBytes(Int32(id)), as: UTF8.self).replacing(" ", with: "·")
    }

    var json: JSONValue {
        .object([
            ("what", .string(scan.what.rawValue)), ("answer", .integer(scan.question.answer)), ("wrong", .integer(scan.question.wrong)),
            ("clean_ids", .array(ids[0].map { .integer($0) })), ("corrupted_ids", .array(ids[1].map { .integer($0) })),
            ("clean", .real(scan.clean)), ("corrupted", .real(scan.corrupted)),
            ("columns", .string(scan.what == .heads ? "heads" : "positions")),
            ("layers", .array(scan.layers.map { .integer($0) })),
            ("effects", .array((0..<scan.rows).map { row in .array((0..<scan.columns).map { .real(Double(scan[row, $0])) }) })),
        ])
    }
}
