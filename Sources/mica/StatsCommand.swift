import ArgumentParser
import Engine
import Foundation
import Models
import Screen
import StrictJSON
import Tensors

/// The statistics of every value of one forward pass.
struct StatsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Print the statistics of every value of one forward pass.",
        discussion: """
            Mean, deviation and extremes are over finite elements; std has the denominator n. The hash is of the value's bytes.

            Example: mica stats Samples/fables-llama --prompt "Tom and Mia" --names "layers.5"
            """)

    @OptionGroup var source: ModelOptions
    @OptionGroup var what: EditOptions
    @Option(help: ArgumentHelp("Only values whose name has this part, or fits this pattern (* and ?).", valueName: "pattern"))
    var names: String?
    @Flag(help: "Print one JSON object.")
    var json = false
    @Flag(help: "Print tab-separated columns with all digits.")
    var tsv = false

    func validate() throws {
        if json && tsv { throw ValidationError("Give --json or --tsv, not both.") }
    }

    func run() throws {
        let (model, ids) = try source.load()
        Interrupt.watch()
        var stepper = try model.stepper(
            ids: ids, edits: what.load(for: model, policy: source.policy), policy: source.policy, keep: .all(budget: 0))
        try stepper.runVisibly("running")
        let pattern = names.map { NamePattern($0) }
        let rows = stepper.program.steps.compactMap { step -> StatisticsRow? in
            let value = stepper.program.values[step.output]
            guard pattern.map({ ([value.name] + value.aliases).contains(where: $0.matches) }) ?? true else { return nil }
            return stepper.statistics(step.output).map { StatisticsRow(value: value, statistics: $0) }
        }
        if rows.isEmpty { throw Failure("no value's name fits \(names ?? "")") }
        output(rows, ids)
    }

    private func output(_ rows: [StatisticsRow], _ ids: [Int]) {
        if json {
            let object = JSONValue.object([("input_ids", .array(ids.map { .integer($0) })), ("values", .array(rows.map(\.json)))])
            return Console.data("\(object.lines)\n".utf8)
        }
        if tsv {
            let lines = ([StatisticsRow.columns] + rows.map(\.exact)).map { $0.joined(separator: "\t") + "\n" }
            return Console.data(lines.joined().utf8)
        }
        var table = TextTable(header: StatisticsRow.columns, rightAligned: Set(2..<StatisticsRow.columns.count))
        for row in rows { table.add(row.compact) }
        Console.print(table.text)
    }
}
