import Screen
import Tensors

/// How the elements of the selected value are spread.
package enum HistogramPane: Pane {
    package static let name = "Histogram"
    package static func title(_ session: Session) -> String { "Histogram" }
    package static func label(_ session: Session) -> String { "log y" }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.isKnown ? [.detail(session.place.value, bins: HeatMapPane.detailBins)] : []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let detail = HeatMapPane.detail(session) else { return }
        let s = detail.statistics
        Histogram(
            merged(detail.histogram, to: max(area.width - 2, 1)), low: Double(s.min), high: Double(s.max),
            outside: HeatCounts(nan: s.nan, posInf: s.positiveInfinity, negInf: s.negativeInfinity)
        ).draw(into: &surface, in: area.inset(1, 0))
    }

    /// Neighbouring bins added until they fit.
    private static func merged(_ counts: [UInt32], to width: Int) -> [Int] {
        let step = max(1, (counts.count + width - 1) / max(width, 1))
        return stride(from: 0, to: counts.count, by: step).map { start in
            counts[start..<min(start + step, counts.count)].reduce(0) { $0 + Int($1) }
        }
    }
}
