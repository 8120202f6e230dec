import Foundation

/// Values over an index as lines: gaps at NaN with an `N` on the axis, `▲ ▼` on the frame for Inf, several series with markers.
package struct LinePlot: Hashable, Sendable {
    package struct Series: Hashable, Sendable {
        package var name: String
        package var values: [Float]
        package var role: Role
        /// Whether NaN is a number that went wrong, and shown, or just no number.
        package var marksGaps = true

        package init(_ name: String, _ values: [Float], role: Role? = nil, index: Int = 0) {
            (self.name, self.values, self.role) = (name, values, role ?? .series(index))
        }
    }

    package var series: [Series]
    /// The range of the vertical axis; that of the finite values if nil.
    package var range: ClosedRange<Double>?
    package var isLogarithmic: Bool
    package var glyphs: PlotGlyphs
    /// What stands under the first and the last value.
    package var firstLabel: String
    package var lastLabel: String
    /// The index the cursor is on: a vertical line.
    package var cursor: Int?
    /// A line at a value, such as a tolerance, with its name.
    package var reference: Double?
    package var referenceName: String
    /// Whether the names of several series stand in the plot.
    package var showsLegend = true

    package init(
        _ series: [Series], range: ClosedRange<Double>? = nil, isLogarithmic: Bool = false, glyphs: PlotGlyphs = .braille,
        firstLabel: String = "0", lastLabel: String? = nil, cursor: Int? = nil, reference: Double? = nil, referenceName: String = ""
    ) {
        (self.series, self.range, self.isLogarithmic, self.glyphs) = (series, range, isLogarithmic, glyphs)
        self.firstLabel = firstLabel
        self.lastLabel = lastLabel ?? String(max((series.map(\.values.count).max() ?? 1) - 1, 0))
        (self.cursor, self.reference, self.referenceName) = (cursor, reference, referenceName)
    }

    /// The markers at the right ends, by which series differ without colour.
    package static let markers: [Unicode.Scalar] = ["●", "■", "◆", "○", "□", "◇", "◉", "∙"]

    package func draw(into surface: inout Surface, in rect: Rect) {
        guard rect.width >= 4, rect.height >= 2 else { return }
        let axis = PlotAxis(self)
        let labels = [axis.label(axis.high), axis.label(axis.low)]
        // Where the line of zero runs, that is said, unless an end's label stands there.
        let zero = zeroRow(axis, rect.height - 1).flatMap { (1..<rect.height - 2).contains($0) ? $0 : nil }
        let left = rect.width >= 24 ? (labels.map(\.utf8.count).max() ?? 0) + 1 : 0
        let plot = Rect(rect.x + left, rect.y, rect.width - left, rect.height - 1)
        surface.clipped(to: rect) { surface in
            if left > 0 {
                surface.put(rect.x, plot.y, labels[0], width: left - 1, align: .right, style: .role(.ruler))
                surface.put(rect.x, plot.bottom - 1, labels[1], width: left - 1, align: .right, style: .role(.ruler))
                if let zero { surface.put(rect.x, plot.y + zero, "0", width: left - 1, align: .right, style: .role(.ruler)) }
            }
            drawGuides(&surface, plot, axis)
            for (index, series) in series.enumerated() { PlotPen(self, axis, plot, index).draw(series, into: &surface) }
            drawEnds(&surface, plot)
            drawReferenceName(&surface, plot, axis)
            if series.count > 1, showsLegend { drawLegend(&surface, plot) }
        }
    }

    /// Nil where zero is outside, or there is none.
    private func zeroRow(_ axis: PlotAxis, _ height: Int) -> Int? {
        guard axis.low < 0, axis.high > 0, !isLogarithmic else { return nil }
        return min(Int((1 - axis.place(0)) * Double(height)), height - 1)
    }

    private func drawGuides(_ surface: inout Surface, _ plot: Rect, _ axis: PlotAxis) {
        if let row = zeroRow(axis, plot.height) { surface.horizontal(plot.x, plot.y + row, plot.width, "┄", .border) }
        if let reference, reference >= axis.low, reference <= axis.high {
            let y = plot.y + min(Int((1 - axis.place(reference)) * Double(plot.height)), plot.height - 1)
            surface.horizontal(plot.x, y, plot.width, "┄", .warn)
        }
        guard let cursor, let longest, longest > 0, cursor >= 0, cursor < longest else { return }
        surface.vertical(plot.x + cursor * plot.width / longest, plot.y, plot.height, "│", .accent)
    }

    private func drawReferenceName(_ surface: inout Surface, _ plot: Rect, _ axis: PlotAxis) {
        guard let reference, reference >= axis.low, reference <= axis.high else { return }
        let y = plot.y + min(Int((1 - axis.place(reference)) * Double(plot.height)), plot.height - 1)
        surface.put(plot.x + 1, max(y - 1, plot.y), VisibleText.cut(referenceName, to: plot.width / 2), .warn)
    }

    private var longest: Int? { series.map(\.values.count).max() }

    private func drawEnds(_ surface: inout Surface, _ plot: Rect) {
        surface.put(plot.x, plot.bottom, firstLabel, .ruler)
        surface.put(plot.right - VisibleText.width(lastLabel), plot.bottom, lastLabel, .ruler)
    }

    private func drawLegend(_ surface: inout Surface, _ plot: Rect) {
        let width = (series.map { VisibleText.width($0.name) }.max() ?? 0) + 2
        guard plot.width > width * 2, plot.height > series.count + 1 else { return }
        for (index, series) in series.enumerated() {
            let marker = Character(LinePlot.markers[index % LinePlot.markers.count])
            surface.put(plot.right - width, plot.y + index, "\(marker) \(series.name)", width: width, style: .role(series.role))
        }
    }
}

/// The vertical axis of a plot: what its ends stand for.
struct PlotAxis {
    let low: Double
    let high: Double
    let isLogarithmic: Bool

    init(_ plot: LinePlot) {
        isLogarithmic = plot.isLogarithmic
        let values = plot.series.lazy.flatMap(\.values).filter { $0.isFinite && (!plot.isLogarithmic || $0 > 0) }
        let found = values.reduce(into: (Double.infinity, -Double.infinity)) { $0 = (min($0.0, Double($1)), max($0.1, Double($1))) }
        var (low, high) = plot.range.map { ($0.lowerBound, $0.upperBound) } ?? found
        if !low.isFinite || !high.isFinite { (low, high) = isLogarithmic ? (0.1, 1) : (0, 1) }
        if isLogarithmic { (low, high) = (max(low, 1e-300), max(high, 1e-300)) }
        if low == high {
            (low, high) = isLogarithmic ? (low / 2, high * 2) : (low - max(abs(low) * 0.1, 1e-30), high + max(abs(high) * 0.1, 1e-30))
        }
        (self.low, self.high) = (low, high)
    }

    /// 0 at the bottom, 1 at the top.
    func place(_ value: Double) -> Double {
        guard !isLogarithmic else { return clamp((log(max(value, 1e-300)) - log(low)) / (log(high) - log(low))) }
        return clamp((value / 2 - low / 2) / (high / 2 - low / 2))
    }

    func label(_ value: Double) -> String {
        Numbers.label(value)
    }

    private func clamp(_ place: Double) -> Double {
        place.isFinite ? min(max(place, 0), 1) : 0
    }
}
