import Engine
import Screen
import StrictJSON

/// What was measured, in text and JSON.
struct BlameReport {
    let blame: Blame
    /// Of the low policy and of the high one.
    let titles: [String]
    let tokens: Int
    let top: Int

    private static let width = 24

    var text: String {
        let sorted = blame.sorted
        let shown = sorted.prefix(top)
        var table = TextTable(
            header: ["", "op", "layer", "lifted kl", "nmse", "alone kl", "nmse", "error alone"], rightAligned: [2, 3, 4, 5, 6])
        let most = sorted.map(\.alone.nmse).filter(\.isFinite).max() ?? 0
        for entry in shown {
            let numbers = [entry.lifted.kl, entry.lifted.nmse, entry.alone.kl, entry.alone.nmse].map { Numbers.compact($0) }
            let mark = blame.gain(entry) > 2 * blame.spread ? "" : "~"
            table.add(
                [entry.name, entry.kind, entry.layer.map(String.init) ?? ""] + [mark + numbers[0]] + numbers.dropFirst() + [
                    bar(entry, most)
                ])
        }
        let rest = sorted.count - shown.count
        return (heading + [table.text] + (rest > 0 ? ["and \(rest) more"] : [])).joined(separator: "\n")
    }

    private var heading: [String] {
        [
            "error of the logits against fp64 over \(tokens) tokens", BlameReport.line("all \(titles[0])", blame.low),
            BlameReport.line("all \(titles[1])", blame.high),
            "lifted: this one as \(titles[1]), the others as \(titles[0]); alone: the other way round",
            "~ lifting it moves the error no further than any change does (nmse ± \(Numbers.compact(2 * blame.spread)))", "",
        ]
    }

    static func line(_ name: String, _ effect: Departure) -> String {
        "\(name.padded(20)) kl \(Numbers.compact(effect.kl))  nmse \(Numbers.compact(effect.nmse))  top1 \(Numbers.fixed(effect.top1, decimals: 3))"
    }

    /// The error that it makes alone, against the largest.
    private func bar(_ entry: Blame.Entry, _ most: Double) -> String {
        guard entry.alone.nmse.isFinite else { return "no number" }
        let eighths = most > 0 ? Int((entry.alone.nmse / most * Double(8 * BlameReport.width)).rounded()) : 0
        return String(repeating: "█", count: eighths / 8) + (eighths % 8 > 0 ? String(Array("▏▎▍▌▋▊▉")[eighths % 8 - 1]) : "")
    }

    var json: JSONValue {
        .object([
            ("low", .string(titles[0])), ("high", .string(titles[1])), ("tokens", .integer(tokens)), ("spread_nmse", .real(blame.spread)),
            ("all_low", BlameReport.object(blame.low)), ("all_high", BlameReport.object(blame.high)),
            (
                "ops",
                .array(
                    blame.sorted.map { entry in
                        .object([
                            ("name", .string(entry.name)), ("kind", .string(entry.kind)),
                            ("layer", entry.layer.map { .integer($0) } ?? .null), ("lifted", BlameReport.object(entry.lifted)),
                            ("alone", BlameReport.object(entry.alone)),
                        ])
                    })
            ),
        ])
    }

    static func object(_ effect: Departure) -> JSONValue {
        .object([("kl", .real(effect.kl)), ("nmse", .real(effect.nmse)), ("top1", .real(effect.top1))])
    }
}

/// The smallest set that was found.
struct KeepReport {
    let search: KeepWithin
    /// Of the policy, run on its own.
    let verified: (effect: Departure, holds: Bool)
    let titles: [String]
    let tokens: Int
    let file: String?

    private var units: [FormatUnit] { search.kept.map { search.mixture.units[$0] } }

    var text: String {
        var table = TextTable(header: ["as \(titles[1])", "op", "layer"], rightAligned: [2])
        for unit in units { table.add([unit.name, unit.kind, unit.layer.map(String.init) ?? ""]) }
        let count =
            "\(units.count) of \(search.total) values and weights must stay as \(titles[1]) for \(search.tolerance), over \(tokens) tokens"
        let short = search.isCutShort ? ["the search was cut short after \(search.trials) measurements; fewer may do"] : []
        let kinds = byKind.map { "\($0.count) \($0.kind)" }.joined(separator: ", ")
        return
            ([count, "measured \(search.trials) times; by op: \(units.isEmpty ? "none" : kinds)"] + short
            + [BlameReport.line("as searched", search.effect), BlameReport.line("run on its own", verified.effect)]
            + [verified.holds ? "the policy keeps to it" : "the policy does NOT keep to it"] + (file.map { ["written to \($0)"] } ?? [])
            + ["", table.text]).joined(separator: "\n")
    }

    private var byKind: [(kind: String, count: Int)] {
        Dictionary(grouping: units, by: \.kind).map { ($0.key, $0.value.count) }.sorted { ($0.1, $1.0) > ($1.1, $0.0) }
    }

    var json: JSONValue {
        .object([
            ("low", .string(titles[0])), ("high", .string(titles[1])), ("tolerance", .string("\(search.tolerance)")),
            ("tokens", .integer(tokens)),
            ("measurements", .integer(search.trials)), ("cut_short", .bool(search.isCutShort)), ("values", .integer(search.total)),
            ("searched", BlameReport.object(search.effect)), ("verified", BlameReport.object(verified.effect)),
            ("holds", .bool(verified.holds)),
            ("kept", .array(units.map { .string($0.name) })), ("policy", .string(Policy(rules: search.rules).text)),
        ])
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
