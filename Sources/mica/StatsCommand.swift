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
    @OptionGroup var listing: ListingOptions

    func run() throws {
        let (model, ids) = try source.load()
        Interrupt.watch()
        var stepper = try model.stepper(
            ids: ids, edits: what.load(for: model, policy: source.policy), policy: source.policy, keep: .all(budget: 0))
        try stepper.runVisibly("running")
        let rows = try listing.rows(stepper.program) { value, id in
            stepper.statistics(id).map { StatisticsRow(value: value, statistics: $0) }
        }
        output(rows, ids)
    }

    private func output(_ rows: [StatisticsRow], _ ids: [Int]) {
        if listing.json {
            let object = JSONValue.object([("input_ids", .array(ids.map { .integer($0) })), ("values", .array(rows.map(\.json)))])
            return Console.data("\(object.lines)\n".utf8)
        }
        if listing.tsv {
            let lines = ([StatisticsRow.columns] + rows.map(\.exact)).map { $0.joined(separator: "\t") + "\n" }
            return Console.data(lines.joined().utf8)
        }
        var table = TextTable(header: StatisticsRow.columns, rightAligned: Set(2..<StatisticsRow.columns.count))
        for row in rows { table.add(row.compact) }
        Console.print(table.text)
    }
}
