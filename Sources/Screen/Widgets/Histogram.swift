import Foundation

/// Counts as columns of eighth blocks. A bin that holds anything shows at least one eighth.
package struct Histogram: Hashable, Sendable {
    package var counts: [Int]
    /// What the left and right edges stand for.
    package var low: Double
    package var high: Double
    package var isLogarithmic: Bool
    /// What is outside the axis.
    package var outside: HeatCounts

    package init(_ counts: [Int], low: Double, high: Double, isLogarithmic: Bool = true, outside: HeatCounts = HeatCounts()) {
        (self.counts, self.low, self.high, self.isLogarithmic, self.outside) = (counts, low, high, isLogarithmic, outside)
    }

    private static let eighths: [Unicode.Scalar] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

    package func draw(into surface: inout Surface, in rect: Rect) {
        guard rect.height >= 2, rect.width >= 1 else { return }
        let columns = columns(rect.width)
        let most = columns.max() ?? 0
        surface.clipped(to: rect) { surface in
            for (index, count) in columns.enumerated() {
                drawColumn(&surface, rect.x + index, rect, height: height(count, most, rect.height - 1))
            }
            drawAxis(&surface, rect)
        }
    }

    /// The bins at this width: merged if there are more, widened if there are fewer.
    private func columns(_ width: Int) -> [Int] {
        guard !counts.isEmpty else { return [] }
        if counts.count <= width { return (0..<width).map { max(counts[$0 * counts.count / width], 0) } }
        return (0..<width).map { column in
            counts[column * counts.count / width..<(column + 1) * counts.count / width].reduce(0) { $0 + max($1, 0) }
        }
    }

    /// The height of a column in eighths of a cell.
    private func height(_ count: Int, _ most: Int, _ rows: Int) -> Int {
        guard count > 0, most > 0 else { return 0 }
        let share = isLogarithmic ? log1p(Double(count)) / log1p(Double(most)) : Double(count) / Double(most)
        return max(1, Int((share * Double(rows * 8)).rounded()))
    }

    private func drawColumn(_ surface: inout Surface, _ x: Int, _ rect: Rect, height: Int) {
        for row in 0..<(height + 7) / 8 {
            let glyph = Histogram.eighths[min(8, height - row * 8)]
            surface.set(x, rect.bottom - 2 - row, Cell(glyph, .role(.series0)))
        }
    }

    /// The ends, zero where it lies, and what is outside.
    private func drawAxis(_ surface: inout Surface, _ rect: Rect) {
        let y = rect.bottom - 1
        let (left, right) = (Numbers.label(low), (low < 0 && high > 0 ? "+" : "") + Numbers.label(high))
        if low < 0, high > 0 {
            surface.put(rect.x + min(Int(-low / (high - low) * Double(rect.width)), rect.width - 1), y, "0", .ruler)
        }
        var x = rect.x + surface.put(rect.x, y, left, .ruler) + 1
        surface.put(rect.right - right.utf8.count, y, right, .ruler)
        for (sign, count, role) in [("N", outside.nan, Role.nan), ("▲", outside.posInf, .posInf), ("▼", outside.negInf, .negInf)]
        where count > 0 {
            x += surface.put(x, y, "\(sign) \(Numbers.short(count))", role) + 1
        }
    }
}
