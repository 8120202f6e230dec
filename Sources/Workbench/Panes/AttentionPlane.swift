import Foundation
import Screen
import Tensors

/// One head's numbers [query, key] with what its mask hides.
package struct AttentionPlane {
    private let values: AttentionValues
    private let numbers: [Float]
    /// What a hidden cell holds: 0 among probabilities, −∞ among scores. Anything else there is a fault and is shown.
    private let hidden: Float

    package init(_ values: AttentionValues, _ numbers: [Float], hidden: Float) {
        (self.values, self.numbers, self.hidden) = (values, numbers, hidden)
    }

    var hiddenCount: Int { (0..<values.queries).reduce(0) { $0 + values.keys - values.visible($1).count } }

    private func row(_ row: Int) -> ArraySlice<Float> { numbers[row * values.keys..<(row + 1) * values.keys] }

    private func isShown(_ row: Int, _ key: Int) -> Bool { values.visible(row).contains(key) || numbers[row * values.keys + key] != hidden }

    /// Sizes of finite visible numbers, sorted; of at most 65536.
    var magnitudes: [Float] {
        let step = max(1, numbers.count / 65536)
        return stride(from: 0, to: numbers.count, by: step).filter { isShown($0 / values.keys, $0 % values.keys) && numbers[$0].isFinite }
            .map { abs(numbers[$0]) }.sorted()
    }

    func quantile(_ sorted: [Float], _ q: Double) -> Double {
        sorted.isEmpty ? 0 : Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * q))])
    }

    package var counts: HeatCounts {
        var counts = HeatCounts()
        for place in numbers.indices where !numbers[place].isFinite && isShown(place / values.keys, place % values.keys) {
            if numbers[place].isNaN { counts.nan += 1 } else if numbers[place] > 0 { counts.posInf += 1 } else { counts.negInf += 1 }
        }
        return counts
    }

    /// −∞ where hidden and nowhere else.
    package var isMaskedExactly: Bool {
        (0..<values.queries).allSatisfy { query in
            let visible = values.visible(query)
            return row(query).enumerated().allSatisfy { visible.contains($0.offset) == ($0.element != -.infinity) }
        }
    }

    // MARK: rows

    func entropies(_ probs: [Float]) -> [Double] {
        (0..<values.queries).map { AttentionPlane.entropy(probs[$0 * values.keys..<($0 + 1) * values.keys]) }
    }

    func sums(_ probs: [Float]) -> [Double] {
        (0..<values.queries).map { probs[$0 * values.keys..<($0 + 1) * values.keys].reduce(0) { $0 + Double($1) } }
    }

    /// −Σ p ln p in nats, where 0 · ln 0 is 0.
    package static func entropy(_ probs: ArraySlice<Float>) -> Double {
        // Not −0 for a query that looks at one key only.
        0 - probs.reduce(0) { $1 == 0 ? $0 : $0 + Double($1) * log(Double($1)) }
    }

    // MARK: pictures

    /// Pools visible cells only; a bin in which all are hidden is masked.
    package func grid(rows: Int, columns: Int, threads: Int) throws -> PooledGrid {
        let shown = numbers.indices.map { isShown($0 / values.keys, $0 % values.keys) ? numbers[$0] : 0 }
        let plane = try Tensor(Shape((.query, values.queries), (.key, values.keys)), shown)
        var grid = PooledGrid(Pooled(plane, rows: rows, columns: columns, threads: threads))
        for row in 0..<grid.rows {
            let seen = visible(row * values.queries / grid.rows..<(row + 1) * values.queries / grid.rows)
            for column in 0..<grid.columns {
                let part = column * values.keys / grid.columns..<(column + 1) * values.keys / grid.columns
                let place = row * grid.columns + column
                if !part.overlaps(seen), grid.values[place] == 0, grid.flags[place] == PooledGrid.finite {
                    grid.flags[place] = PooledGrid.masked
                }
            }
        }
        return grid
    }

    /// From the first to the last key that any of these queries may see.
    private func visible(_ rows: Range<Int>) -> Range<Int> {
        let ranges = rows.map { values.visible($0) }.filter { !$0.isEmpty }
        guard let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max() else { return 0..<0 }
        return low..<high
    }
}
