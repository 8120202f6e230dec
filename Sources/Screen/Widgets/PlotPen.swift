/// Draws one series of a line plot.
struct PlotPen {
    private let plot: LinePlot
    private let axis: PlotAxis
    private let rect: Rect
    private let number: Int

    init(_ plot: LinePlot, _ axis: PlotAxis, _ rect: Rect, _ number: Int) {
        (self.plot, self.axis, self.rect, self.number) = (plot, axis, rect, number)
    }

    func draw(_ series: LinePlot.Series, into surface: inout Surface) {
        guard !series.values.isEmpty, !rect.isEmpty else { return }
        switch plot.glyphs {
        case .braille: drawDots(series, &surface)
        case .block, .ascii: drawSteps(series, &surface)
        }
        drawSigns(series, &surface)
        if plot.series.count > 1 { drawMarker(series, &surface) }
    }

    private func drawDots(_ series: LinePlot.Series, _ surface: inout Surface) {
        var canvas = DotCanvas(rect.size)
        var last: Point?
        for (index, value) in series.values.enumerated() {
            guard isShown(value) else {
                last = nil
                continue
            }
            let x = place(index, of: series.values.count, canvas.width)
            let point = Point(x, Int((1 - axis.place(Double(value))) * Double(canvas.height - 1) + 0.5))
            canvas.line(last ?? point, point)
            last = point
        }
        canvas.draw(into: &surface, at: Point(rect.x, rect.y), series.role)
    }

    /// One glyph a column, at the height of the value of largest magnitude there.
    private func drawSteps(_ series: LinePlot.Series, _ surface: inout Surface) {
        let glyphs: [Unicode.Scalar] = plot.glyphs == .ascii ? [".", "-", "'"] : ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        let fills = plot.glyphs == .block && plot.series.count == 1
        for column in 0..<rect.width {
            let from = column * series.values.count / rect.width
            let to = max(from + 1, (column + 1) * series.values.count / rect.width)
            guard let value = series.values[from..<to].filter(isShown).max(by: { abs($0) < abs($1) }) else { continue }
            let steps = min(Int(axis.place(Double(value)) * Double(rect.height * glyphs.count)), rect.height * glyphs.count - 1)
            let y = rect.bottom - 1 - steps / glyphs.count
            surface.set(rect.x + column, y, Cell(glyphs[steps % glyphs.count], .role(series.role)))
            if fills { surface.vertical(rect.x + column, y + 1, rect.bottom - 1 - y, "█", series.role) }
        }
    }

    /// NaN on the axis, Inf on the frame it left through.
    private func drawSigns(_ series: LinePlot.Series, _ surface: inout Surface) {
        for (index, value) in series.values.enumerated() where !value.isFinite && (series.marksGaps || !value.isNaN) {
            let x = rect.x + place(index, of: series.values.count, rect.width)
            if value.isNaN {
                surface.set(x, rect.bottom - 1, Cell("N", .role(.nan)))
            } else if value > 0 {
                surface.set(x, rect.y, Cell("▲", .role(.posInf)))
            } else {
                surface.set(x, rect.bottom - 1, Cell("▼", .role(.negInf)))
            }
        }
    }

    private func drawMarker(_ series: LinePlot.Series, _ surface: inout Surface) {
        guard let index = series.values.lastIndex(where: isShown) else { return }
        let x = rect.x + place(index, of: series.values.count, rect.width)
        let y = rect.y + Int((1 - axis.place(Double(series.values[index]))) * Double(rect.height - 1) + 0.5)
        surface.set(x, y, Cell(LinePlot.markers[number % LinePlot.markers.count], .role(series.role)))
    }

    private func isShown(_ value: Float) -> Bool { value.isFinite && (!plot.isLogarithmic || value > 0) }

    private func place(_ index: Int, of count: Int, _ width: Int) -> Int {
        count <= 1 ? 0 : index * (width - 1) / (count - 1)
    }
}
