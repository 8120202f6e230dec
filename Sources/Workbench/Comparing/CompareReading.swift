import Engine
import Screen
import Tensors

/// What the Compare screen reads from the session; nothing here computes.
extension Session {
    var comparedLines: [CompareState.Line] { compared.lines }

    var comparedLineIndex: Int { min(max(compare.line, 0), max(comparedLines.count - 1, 0)) }

    /// The selected run.
    var comparedLine: CompareState.Line? { comparedLines[safe: comparedLineIndex] }

    var comparedRows: [ValueDifference] { comparedLine?.comparison.rows ?? [] }

    var comparedRowIndex: Int {
        guard let line = comparedLine else { return 0 }
        return compare.value.flatMap { line.places[$0] } ?? line.first
    }

    /// The selected value: one that was chosen, the first beyond the tolerance, the nearest to it, or where all is the same the last layer.
    var comparedRow: ValueDifference? { comparedRows[safe: comparedRowIndex] }

    /// The slice that the pictures show: that of the worst element unless somebody chose another.
    var comparedLeading: Int {
        guard let row = comparedRow, row.shape.rank > 2 else { return 0 }
        let worst = row.index.count > 2 ? row.index[row.index.count - 3] : 0
        return min(max(compare.leading ?? worst, 0), row.shape[row.shape.rank - 3] - 1)
    }

    // MARK: moving

    mutating func selectCompared(_ place: Int) {
        let rows = comparedRows
        guard let row = rows[safe: min(max(place, 0), rows.count - 1)] else { return }
        (compare.value, compare.leading) = (row.name, nil)
    }

    mutating func selectComparedLine(_ line: Int) {
        let name = comparedRow?.name
        compare.line = min(max(line, 0), max(comparedLines.count - 1, 0))
        if compare.value != nil { compare.value = name }
        compare.leading = nil
    }

    /// The same value in another layer.
    mutating func moveComparedLayer(_ by: Int) {
        guard let name = comparedRow?.name else { return }
        if let path = LayerPath(name) {
            let other = "\(path.prefix)\(path.layer + by)\(path.rest.isEmpty ? "" : "." + path.rest)"
            if let at = comparedRows.firstIndex(where: { $0.name == other }) { selectCompared(at) }
        } else if let at = by > 0
            ? comparedRows[comparedRowIndex...].firstIndex(where: { $0.layer != nil })
            : comparedRows[..<comparedRowIndex].lastIndex(where: { $0.layer != nil })
        {
            selectCompared(at)
        }
    }

    /// The next value beyond the tolerance.
    mutating func nextBeyond(forward: Bool) throws(CommandError) {
        let (rows, here) = (comparedRows, comparedRowIndex)
        let places = rows.indices.filter { rows[$0].isBeyond }
        guard let found = forward ? places.first(where: { $0 > here }) : places.last(where: { $0 < here }) else {
            let side = forward ? "behind" : "before"
            throw CommandError(places.isEmpty ? "no value is beyond the tolerance" : "none \(side) this one is beyond the tolerance")
        }
        selectCompared(found)
    }

    // MARK: what the engine tells

    mutating func receive(_ state: CompareState) {
        let running = compared.lines.last
        let isNew = state.lines.count > compared.lines.count
        compared = state
        busy = nil
        if isNew { (compare.line, compare.value, compare.leading) = (state.lines.count - 1, nil, nil) }
        compare.line = comparedLineIndex
        guard let last = state.lines.last, !last.isRunning else { return }
        let wasRunning = isNew || running?.isRunning == true || running?.isJudging == true
        guard wasRunning, !last.isJudging || isNew || running?.isRunning == true else { return }
        // There is nothing to explain where no value differs.
        let isSame = last.verdicts.entries.allSatisfy { $0.verdict.kind == .same }
        // The verdict first: what comes behind it may not fit.
        let judged = last.isJudging || isSame ? "" : "\(VerdictWords.sum(last.verdicts)); "
        say("\(last.name): \(judged)\(CompareWords.verdict(last.comparison))")
    }
}

/// Comparisons in words.
enum CompareWords {
    /// Before a value: the same bits, within the tolerance, beyond it.
    static func sign(_ row: ValueDifference) -> Span {
        row.isBeyond ? Span("✗", .err) : row.isIdentical ? Span("=", .dim) : Span("✓", .ok)
    }

    /// The first value beyond the tolerance with its element, or that there is none.
    static func verdict(_ comparison: Comparison) -> String {
        guard let place = comparison.firstBeyond else {
            return comparison.isIdentical ? "all bits are the same" : "every value is within the tolerance"
        }
        let row = comparison.rows[place]
        guard row.difference != nil else { return "first beyond: \(Names.short(row.name)), \(row.mismatch ?? "")" }
        return "first beyond: \(Names.short(row.name)) \(row.index)  NMSE \(Numbers.compact(row.nmse)) > \(Numbers.label(row.limit))"
    }

    static func limit(_ tolerance: Tolerance) -> String { tolerance.nmse.map { "NMSE ≤ \(Numbers.label($0))" } ?? "NMSE by format" }

    /// `KL 1.2e-05  top-1 100 %`
    static func next(_ comparison: Comparison) -> String? {
        comparison.divergence.map {
            "KL \(Numbers.compact($0.mean)) nats  top-1 \(Numbers.fixed($0.agreement * 100, decimals: $0.agreement == 1 ? 0 : 1)) %"
        }
    }
}
