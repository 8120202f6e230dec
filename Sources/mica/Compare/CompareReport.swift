import Engine
import Foundation
import Screen
import StrictJSON
import Tensors
import Workbench

/// A comparison in text and JSON.
struct CompareReport {
    let comparison: Comparison
    /// Noise or bug, if that was asked.
    let verdicts: Verdicts?
    /// What A and B are.
    let titles: [String]
    let ids: [Int]
    /// The mistakes that B has and A has not.
    let quirks: [String]

    // MARK: text

    private static let columns = ["", "value", "shape", "NMSE", "max|Δ|", "at", "A", "B", "cosine", "log10 L2"]

    var text: String {
        let last = verdicts == nil ? [] : ["verdict"] + (hasSamples ? ["predicted", "sampled"] : [])
        var table = TextTable(header: CompareReport.columns + last, rightAligned: [3, 4, 6, 7, 8, 9])
        for row in comparison.rows { table.add(cells(row) + (verdicts.map { verdictCells($0, row.name) } ?? [])) }
        return (["A \(titles[0])", "B \(titles[1])", "", table.text, ""] + ends).joined(separator: "\n")
    }

    private var hasSamples: Bool { verdicts?.entries.contains { $0.spread != nil } == true }

    private func verdictCells(_ verdicts: Verdicts, _ name: String) -> [String] {
        let spread = verdicts.entry(name)?.spread
        return [VerdictWords.cell(verdicts[name])]
            + (hasSamples ? [spread?.predicted, spread?.measured].map { $0.map { Numbers.compact($0) } ?? "" } : [])
    }

    private func cells(_ row: ValueDifference) -> [String] {
        let head = [row.isBeyond ? "✗" : row.isIdentical ? "=" : "✓", row.name, "\(row.shape)"]
        guard row.difference != nil else { return head + ["", "", row.mismatch ?? "", "", "", "", ""] }
        let numbers = row.isIdentical ? ["", "", ""] : ["\(row.index)"] + row.numbers.map { Numbers.compact($0, digits: 7) }
        return head + [Numbers.compact(row.nmse), Numbers.compact(row.largest)] + numbers
            + [Numbers.fixed(row.cosine, decimals: 8), row.logNorm.map { Numbers.fixed($0, decimals: 2) } ?? "same bits"]
    }

    /// What the table comes to.
    private var ends: [String] {
        [
            beyond, unseen, verdicts.map(VerdictWords.line), verdicts.flatMap(VerdictWords.kept), divergence,
            only("A", comparison.onlyHere), only("B", comparison.onlyThere), comparison.advice,
        ]
        .compactMap(\.self)
    }

    private var beyond: String {
        guard let place = comparison.firstBeyond else {
            return comparison.isIdentical
                ? "all \(comparison.rows.count) values have the same bits" : "all \(comparison.rows.count) values are within the tolerance"
        }
        let row = comparison.rows[place]
        let count = comparison.rows.count(where: \.isBeyond)
        let first = "first beyond the tolerance (\(count) of \(comparison.rows.count)): \(row.name)"
        if let mismatch = row.mismatch { return "\(first): \(mismatch)" }
        let numbers = row.numbers.map { Numbers.exact(Float($0)) }
        return
            "\(first) \(row.index): A \(numbers.first ?? "") B \(numbers.last ?? ""), NMSE \(Numbers.compact(row.nmse)) > \(Numbers.label(row.limit))"
    }

    /// Some mistakes show in long texts, with a cache, or in training only: equal bits do not mean that the switch is broken.
    private var unseen: String? {
        guard comparison.isIdentical, !quirks.isEmpty else { return nil }
        return "this pass does not show \(quirks.joined(separator: ", ")): mica quirks says when it shows"
    }

    private var divergence: String? {
        comparison.divergence.map { divergence in
            let most = divergence.rows.max() ?? 0
            let agreement = Numbers.fixed(divergence.agreement * 100, decimals: 1)
            return
                "next token: KL mean \(Numbers.compact(divergence.mean)), most \(Numbers.compact(most)) nats; the likeliest is the same at "
                + "\(agreement) % of \(divergence.rows.count) positions"
        }
    }

    private func only(_ side: String, _ names: [String]) -> String? {
        guard !names.isEmpty else { return nil }
        let more = names.count > 6 ? ", …" : ""
        return "only in \(side): \(names.count) (\(names.prefix(6).joined(separator: ", "))\(more))"
    }

    // MARK: JSON

    var json: JSONValue {
        .object([
            ("a", .string(titles[0])), ("b", .string(titles[1])), ("input_ids", .array(ids.map { .integer($0) })),
            ("values", .array(comparison.rows.map(json))), ("only_a", names(comparison.onlyHere)), ("only_b", names(comparison.onlyThere)),
            ("first_beyond", comparison.firstBeyond.map { .string(comparison.rows[$0].name) } ?? .null),
            ("identical", .bool(comparison.isIdentical)), ("next_token", next),
        ])
    }

    private func json(_ row: ValueDifference) -> JSONValue {
        .object([
            ("name", .string(row.name)), ("aliases", names(row.aliases)), ("name_b", .string(row.otherName)),
            ("shape", .array(row.shape.counts.map { .integer($0) })), ("format_a", .string(row.formats[0])),
            ("format_b", .string(row.formats[1])), ("nmse", number(row.nmse)), ("limit", .real(row.limit)), ("beyond", .bool(row.isBeyond)),
            ("identical", .bool(row.isIdentical)), ("differing", .integer(row.difference?.differing ?? 0)),
            ("max_abs", number(row.largest)), ("index", .array(row.index.map { .integer($0) })), ("a", number(row.numbers.first ?? .nan)),
            ("b", number(row.numbers.last ?? .nan)), ("cosine", number(row.cosine)), ("relative_l2", number(row.relative)),
            ("log10_l2", row.logNorm.map(number) ?? .null), ("mismatch", row.mismatch.map { .string($0) } ?? .null),
            ("verdict", verdicts?[row.name].map(json) ?? .null),
            ("spread", verdicts?.entry(row.name)?.spread.map(json) ?? .null),
        ])
    }

    private func json(_ spread: RoundingSpread) -> JSONValue {
        .object([("samples", .integer(spread.samples)), ("predicted", number(spread.predicted)), ("measured", number(spread.measured))])
    }

    private func json(_ verdict: Verdict) -> JSONValue {
        .object([
            ("kind", .string(verdict.kind.rawValue)), ("factor", number(verdict.factor)),
            ("index", .array(verdict.index.map { .integer($0) })), ("found", number(verdict.found)), ("expected", number(verdict.expected)),
            ("allowed", number(verdict.allowed)), ("kept", verdict.kept.map { .string("\($0)") } ?? .null),
        ])
    }

    private var next: JSONValue {
        guard let divergence = comparison.divergence else { return .null }
        return .object([
            ("kl", .array(divergence.rows.map(number))), ("kl_mean", number(divergence.mean)),
            ("agreement", .real(divergence.agreement)), ("top_a", .array(divergence.tops.map { .integer($0) })),
            ("top_b", .array(divergence.otherTops.map { .integer($0) })),
        ])
    }

    private func names(_ names: [String]) -> JSONValue { .array(names.map { .string($0) }) }

    /// JSON has neither NaN nor infinities.
    private func number(_ value: Double) -> JSONValue { value.isFinite ? .real(value) : .string(Numbers.compact(value)) }
}
