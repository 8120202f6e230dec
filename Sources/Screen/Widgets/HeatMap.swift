/// A matrix as a picture: two values a cell with `▀`, or large cells with numbers when they fit.
///
/// NaN and Inf always win and always get a glyph over the whole cell. Nothing is interpolated.
package struct HeatMap: Hashable, Sendable {
    package var grid: PooledGrid
    package var scale: HeatScale
    package var map: MapKind
    /// Counts over the whole source, for the bar.
    package var counts: HeatCounts
    /// The place of the cursor in the source, row and column.
    package var cursor: Point?
    /// Names of the source's rows and columns, such as tokens; numbers if nil.
    package var rowLabels: [String]?
    package var columnLabels: [String]?
    /// What the first row and column of the source are called, when it is part of something larger.
    package var origin: Point
    package var showsNumbers: Bool
    package var showsRulers: Bool
    package var showsBar: Bool

    package init(
        _ grid: PooledGrid, scale: HeatScale, map: MapKind, counts: HeatCounts = HeatCounts(), cursor: Point? = nil,
        rowLabels: [String]? = nil, columnLabels: [String]? = nil, origin: Point = Point(0, 0), showsNumbers: Bool = true,
        showsRulers: Bool = true, showsBar: Bool = true
    ) {
        (self.grid, self.scale, self.map, self.counts, self.cursor) = (grid, scale, map, counts, cursor)
        (self.rowLabels, self.columnLabels, self.origin) = (rowLabels, columnLabels, origin)
        (self.showsNumbers, self.showsRulers, self.showsBar) = (showsNumbers, showsRulers, showsBar)
    }

    var source: Size { Size(grid.sourceWidth, grid.sourceHeight) }

    /// The plan this picture is drawn by.
    package func plan(_ rect: Rect) -> HeatPlan {
        HeatMap.plan(
            rect, source: source, rowLabels: rowLabels, origin: origin, numbers: showsNumbers, rulers: showsRulers, bar: showsBar)
    }

    /// The plan for a source that is not pooled yet.
    package static func plan(
        _ rect: Rect, source: Size, rowLabels: [String]? = nil, origin: Point = Point(0, 0), numbers: Bool = true, rulers: Bool = true,
        bar: Bool = true
    ) -> HeatPlan {
        let digits = max(2, String(origin.y + max(source.height - 1, 0)).utf8.count)
        let widest = rowLabels.map { min(12, $0.prefix(source.height).map(VisibleText.width).max() ?? 0) } ?? digits
        return HeatPlan(rect, source: source, labelWidth: rulers ? max(widest, 1) : 0, numbers: numbers, bar: bar)
    }

    package func draw(into surface: inout Surface, in rect: Rect) {
        let plan = plan(rect)
        surface.clipped(to: rect) { surface in
            if plan.showsNumbers { drawBlocks(&surface, plan) } else { drawHalves(&surface, plan) }
            if plan.labelWidth > 0 { drawRulers(&surface, plan) }
            if !plan.bar.isEmpty { ColorBar(scale: scale, map: map, counts: counts).draw(into: &surface, in: plan.bar) }
        }
    }

    /// What the picture shows in a bin of the plan; an older grid of another size is stretched over it.
    func content(_ row: Int, _ column: Int, _ plan: HeatPlan) -> PooledGrid.Content {
        guard row < plan.rows, column < plan.columns else { return .nothing }
        return grid.content(
            HeatPlan.start(row, of: plan.rows, grid.rows), HeatPlan.start(column, of: plan.columns, grid.columns))
    }

    /// The bin of the plan under the cursor.
    func cursorBin(_ plan: HeatPlan) -> Point? {
        guard let cursor, cursor.x >= 0, cursor.y >= 0, cursor.x < source.width, cursor.y < source.height else { return nil }
        return Point(HeatPlan.bin(cursor.x, of: plan.columns, source.width), HeatPlan.bin(cursor.y, of: plan.rows, source.height))
    }
}
