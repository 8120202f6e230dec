extension HeatMap {
    /// Row labels on the left and column labels above. Those of the cursor are always shown; the others give way.
    func drawRulers(_ surface: inout Surface, _ plan: HeatPlan) {
        drawRowLabels(&surface, plan)
        if plan.hasColumnLabels { drawColumnLabels(&surface, plan) }
    }

    private func drawRowLabels(_ surface: inout Surface, _ plan: HeatPlan) {
        let middle = plan.showsNumbers ? (plan.binHalves / 2 - 1) / 2 : 0
        let cursorRow = cursorBin(plan).map { plan.plot.y + $0.y * plan.binHalves / 2 + middle }
        let step = rowStep(plan)
        for row in stride(from: 0, to: plan.rows, by: step) {
            let y = plan.plot.y + row * plan.binHalves / 2 + middle
            guard y < plan.plot.bottom else { continue }
            if let cursorRow, abs(y - cursorRow) < (step * plan.binHalves / 2 > 1 ? 2 : 1) { continue }
            putRowLabel(&surface, plan, y, rowName(HeatPlan.start(row, of: plan.rows, source.height)), .ruler)
        }
        if let cursor, let cursorRow { putRowLabel(&surface, plan, cursorRow, rowName(cursor.y), .rulerCursor) }
    }

    private func putRowLabel(_ surface: inout Surface, _ plan: HeatPlan, _ y: Int, _ text: String, _ role: Role) {
        let width = plan.labelWidth - 1
        surface.put(plan.plot.x - plan.labelWidth, y, text, width: width, align: .right, style: .role(role))
    }

    /// Every row of blocks has its label; in a pooled picture every fourth line has one.
    private func rowStep(_ plan: HeatPlan) -> Int {
        plan.showsNumbers || plan.binHalves >= 2 && rowLabels != nil ? 1 : max(1, 8 / plan.binHalves)
    }

    private func drawColumnLabels(_ surface: inout Surface, _ plan: HeatPlan) {
        var taken: [Range<Int>] = []
        if let cursor, let bin = cursorBin(plan) {
            taken.append(putColumnLabel(&surface, plan, bin.x, columnName(cursor.x), .rulerCursor))
        }
        let widest = columnName(source.width - 1).utf8.count + 2
        let isEach = columnLabels != nil || plan.showsNumbers
        let step = isEach ? 1 : max(1, max(widest, 16) / plan.binWidth)
        for column in stride(from: 0, to: plan.columns, by: step) {
            let name = columnName(HeatPlan.start(column, of: plan.columns, source.width))
            let x = plan.plot.x + column * plan.binWidth
            let range = x..<x + columnWidth(plan, name, x)
            guard !range.isEmpty, !taken.contains(where: { $0.overlaps(range.lowerBound - 1..<range.upperBound + 1) }) else { continue }
            taken.append(putColumnLabel(&surface, plan, column, name, .ruler))
        }
    }

    private func putColumnLabel(
        _ surface: inout Surface, _ plan: HeatPlan, _ column: Int, _ name: String, _ role: Role
    ) -> Range<Int> {
        let start = plan.plot.x + column * plan.binWidth
        let width = columnWidth(plan, name, start)
        let x = max(plan.plot.x, min(start, surface.clip.right - width))
        surface.clipped(to: Rect(x, plan.plot.y - 1, width, 1)) { $0.put(x, plan.plot.y - 1, name, role) }
        return x..<x + width
    }

    /// Columns a label may take: in blocks one less than the block; else its own width.
    private func columnWidth(_ plan: HeatPlan, _ name: String, _ x: Int) -> Int {
        let own = VisibleText.width(name)
        return plan.showsNumbers ? min(own, plan.binWidth - 1) : min(own, 8)
    }

    private func rowName(_ row: Int) -> String { HeatMap.name(row, rowLabels, origin.y) }
    private func columnName(_ column: Int) -> String { HeatMap.name(column, columnLabels, origin.x) }

    private static func name(_ index: Int, _ labels: [String]?, _ origin: Int) -> String {
        guard let labels else { return String(origin + index) }
        return labels.indices.contains(index) ? labels[index] : ""
    }
}
