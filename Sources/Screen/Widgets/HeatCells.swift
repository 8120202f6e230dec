extension HeatMap {
    /// Two bins a cell, one above the other.
    func drawHalves(_ surface: inout Surface, _ plan: HeatPlan) {
        let part = surface.clip.intersection(plan.plot)
        for y in part.y..<part.bottom {
            let top = (y - plan.plot.y) * 2
            for x in part.x..<part.right {
                let column = (x - plan.plot.x) / plan.binWidth
                let upper = content(top / plan.binHalves, column, plan)
                let lower = content((top + 1) / plan.binHalves, column, plan)
                surface.set(x, y, cell(upper, lower))
            }
        }
        guard let bin = cursorBin(plan) else { return }
        let x = plan.plot.x + bin.x * plan.binWidth + (plan.binWidth - 1) / 2
        surface.set(x, plan.plot.y + bin.y * plan.binHalves / 2, Cell("┼", .role(.cursor)))
    }

    /// The cell of two bins. One that is no number fills it, so that it cannot be overlooked.
    private func cell(_ upper: PooledGrid.Content, _ lower: PooledGrid.Content) -> Cell {
        if let (role, glyph) = PooledGrid.Content.worse(upper, lower).sign { return Cell(glyph, .role(role)) }
        switch (upper, lower) {
        case (.value(let top), .value(let bottom)): return .heat(map, top: level(top), bottom: level(bottom))
        case (.value(let top), _): return Cell("▀", .half(map, level: level(top)))
        case (_, .value(let bottom)): return Cell("▄", .half(map, level: level(bottom)))
        default: return Cell(" ", .role(.masked))
        }
    }

    func level(_ value: Float) -> UInt8 { scale.level(Double(value)) }

    /// One bin a block of cells, with its number in the middle.
    func drawBlocks(_ surface: inout Surface, _ plan: HeatPlan) {
        let cursor = cursorBin(plan)
        for row in 0..<plan.rows {
            for column in 0..<plan.columns {
                let height = plan.binHalves / 2
                let block = Rect(plan.plot.x + column * plan.binWidth, plan.plot.y + row * height, plan.binWidth, height)
                drawBlock(&surface, block, content(row, column, plan), isCursor: cursor == Point(column, row))
            }
        }
    }

    private func drawBlock(_ surface: inout Surface, _ block: Rect, _ content: PooledGrid.Content, isCursor: Bool) {
        let (style, text) = face(content, columns: block.width - 1)
        surface.fill(block, Cell(" ", style))
        let y = block.y + (block.height - 1) / 2
        let room = max(0, block.width - VisibleText.width(text))
        let start = block.x + room / 2
        surface.put(start, y, text, style: style)
        guard isCursor else { return }
        surface.set(block.right - 1, y, Cell("◂", style))
        if start - 1 > block.x { surface.set(block.x, y, Cell("▸", style)) }
        surface.restyle(Rect(block.x, y, block.width, 1)) { $0.attributes.formUnion([.bold, .underline]) }
    }

    /// Style and text of a block.
    private func face(_ content: PooledGrid.Content, columns: Int) -> (Style, String) {
        switch content {
        case .nothing: return (.role(.masked), "")
        case .value(let value):
            return (.onHeat(map, level: level(value)), Numbers.fitting(Double(value), columns: columns) ?? "·")
        case .nan: return (.role(.nan), "N")
        case .posInf: return (.role(.posInf), "▲")
        case .negInf: return (.role(.negInf), "▼")
        }
    }
}
