import Engine
import Models
import Tensors

/// Answers the Compare screen's questions from both runs of a line.
struct CompareReader {
    let work: CompareWork
    let threads: Int
    /// Terms of an element that a box shows.
    static let terms = 60

    func answer(_ question: CompareQuestion) throws -> CompareAnswer {
        switch question {
        case .pictures(let line, let value, let leading, let rows, let columns):
            let (comparer, row) = try find(line, value)
            guard let (one, other) = try comparer.tensors(of: row) else { throw PromptError(rule: row.mismatch ?? "not computed yet") }
            let slice = Slice(ValueRef(id: row.value), leading: leading)
            return .pictures(try pictures(slice.plane(of: one), slice.plane(of: other), rows, columns))
        case .element(let line, let value, let index):
            let (comparer, row) = try find(line, value)
            guard let element = try comparer.element(of: row, at: index, limit: CompareReader.terms) else {
                throw PromptError(rule: row.mismatch ?? "not computed yet")
            }
            return .element(element)
        case .spread(let line, let value, let samples):
            let (comparer, row) = try find(line, value)
            return .spread(try comparer.side.flatMap { try Judge.spread(of: row.value, $0, by: comparer.run, samples: samples) })
        }
    }

    private func find(_ line: Int, _ value: String) throws -> (Comparer, ValueDifference) {
        guard let found = work.lines.first(where: { $0.number == line }),
            let row = found.comparer.comparison.rows.first(where: { $0.name == value })
        else { throw PromptError(rule: "the run was dropped") }
        return (found.comparer, row)
    }

    private func pictures(_ one: Tensor, _ other: Tensor, _ rows: Int, _ columns: Int) throws -> ComparedPictures {
        let difference = try Tensor(one.shape, zip(one.floats(), other.floats()).map { $0 == $1 ? 0 : $0 - $1 })
        let pools = [one, other, difference].map { Pooled($0, rows: rows, columns: columns, threads: threads) }
        let largest = pools.map { $0.values.reduce(0) { max($0, Double(abs($1))) } }
        return ComparedPictures(
            sides: Array(pools[..<2]), difference: pools[2], largest: max(largest[0], largest[1]), largestDifference: largest[2])
    }
}
