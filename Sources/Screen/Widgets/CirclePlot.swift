import Foundation

/// A rotation on the unit circle: the vector before (dashed), after, and the angle between.
package struct CirclePlot: Hashable, Sendable {
    package struct Vector: Hashable, Sendable {
        package var x: Double
        package var y: Double
        package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
    }

    package var before: Vector
    package var after: Vector
    /// The length that reaches the circle; the longer of the two if nil.
    package var radius: Double?
    package var glyphs: PlotGlyphs

    package init(before: Vector, after: Vector, radius: Double? = nil, glyphs: PlotGlyphs = .braille) {
        (self.before, self.after, self.radius, self.glyphs) = (before, after, radius, glyphs)
    }

    package func draw(into surface: inout Surface, in rect: Rect) {
        let hasLegend = rect.height >= 6
        let plot = Rect(rect.x, rect.y, rect.width, rect.height - (hasLegend ? 1 : 0))
        surface.clipped(to: rect) { surface in
            let side = min(plot.width * 2, plot.height * 4) - 1
            if side >= 4 { drawCircle(&surface, plot, Double(side - 1) / 2) }
            if hasLegend { drawLegend(&surface, rect) }
        }
    }

    private func drawCircle(_ surface: inout Surface, _ plot: Rect, _ reach: Double) {
        let center = Vector(Double(plot.width) - 0.5, Double(plot.height) * 2 - 0.5)
        var circle = DotCanvas(plot.size)
        let steps = max(Int(reach * 3), 24)
        for step in 0..<steps where glyphs == .braille || step % 2 == 0 {
            let angle = 2 * Double.pi * Double(step) / Double(steps)
            let point = dot(center, reach, cos(angle), sin(angle))
            circle.dot(point.x, point.y)
        }
        paint(circle, &surface, plot, .border)
        drawAngle(&surface, plot, center, reach * 0.3)
        let length = radius ?? max(hypot(before.x, before.y), hypot(after.x, after.y))
        let scale = length.isFinite && length > 0 ? reach / length : 0
        drawVector(&surface, plot, center, before, scale, .series1, dash: 2)
        drawVector(&surface, plot, center, after, scale, .series0, dash: 0)
    }

    private func drawVector(
        _ surface: inout Surface, _ plot: Rect, _ center: Vector, _ vector: Vector, _ scale: Double, _ role: Role, dash: Int
    ) {
        guard vector.x.isFinite, vector.y.isFinite else { return }
        var canvas = DotCanvas(plot.size)
        let end = dot(center, scale, vector.x, vector.y)
        canvas.line(dot(center, 0, 0, 0), end, dash: dash)
        paint(canvas, &surface, plot, role)
        surface.set(plot.x + end.x / 2, plot.y + end.y / 4, Cell(dash == 0 ? "●" : "○", .role(role)))
    }

    /// The arc from before to after, the short way round.
    private func drawAngle(_ surface: inout Surface, _ plot: Rect, _ center: Vector, _ reach: Double) {
        let (from, to) = (atan2(before.y, before.x), atan2(after.y, after.x))
        guard from.isFinite, to.isFinite else { return }
        let turn = remainder(to - from, 2 * Double.pi)
        var arc = DotCanvas(plot.size)
        for step in 0...max(Int(reach * abs(turn)), 1) {
            let angle = from + turn * Double(step) / Double(max(Int(reach * abs(turn)), 1))
            let point = dot(center, reach, cos(angle), sin(angle))
            arc.dot(point.x, point.y)
        }
        paint(arc, &surface, plot, .dim)
    }

    private func paint(_ canvas: DotCanvas, _ surface: inout Surface, _ plot: Rect, _ role: Role) {
        if glyphs == .braille { return canvas.draw(into: &surface, at: Point(plot.x, plot.y), role) }
        canvas.forEachCell { x, y in surface.set(plot.x + x, plot.y + y, Cell(glyphs == .block ? "·" : ".", .role(role))) }
    }

    /// The dot of a vector: x to the right, y upwards.
    private func dot(_ center: Vector, _ scale: Double, _ x: Double, _ y: Double) -> Point {
        let limit = 1e6
        let (dx, dy) = (min(max(x * scale, -limit), limit), min(max(y * scale, -limit), limit))
        return Point(Int((center.x + dx).rounded()), Int((center.y - dy).rounded()))
    }

    private func drawLegend(_ surface: inout Surface, _ rect: Rect) {
        let lines = [("○ before ", "● after ", 3), ("○ ", "● ", 3), ("○ ", "● ", 2)].map { first, second, digits -> Line in
            [legend(first, before, .series1, digits), Span("   "), legend(second, after, .series0, digits)]
        }
        let line = lines.first { $0.width < rect.width } ?? lines[2]
        surface.put(rect.x + 1, rect.bottom - 1, line, width: rect.width - 1)
    }

    private func legend(_ name: String, _ vector: Vector, _ role: Role, _ digits: Int) -> Span {
        Span(name + "(\(Numbers.label(vector.x, digits: digits)), \(Numbers.label(vector.y, digits: digits)))", role)
    }
}

extension DotCanvas {
    /// Calls with column and row of each cell that has a dot.
    func forEachCell(_ body: (Int, Int) -> Void) {
        for (index, isSet) in occupied.enumerated() where isSet { body(index % max(width / 2, 1), index / max(width / 2, 1)) }
    }
}
