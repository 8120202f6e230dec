/// The legend of a heat map: `-0.31 ◂2 ████0████ ▸5 +0.31  N 0 ▲ 0 ▼ 0`. The counts are never left out.
package struct ColorBar: Hashable, Sendable {
    package var scale: HeatScale
    package var map: MapKind
    package var counts: HeatCounts

    package init(scale: HeatScale, map: MapKind, counts: HeatCounts = HeatCounts()) {
        (self.scale, self.map, self.counts) = (scale, map, counts)
    }

    package func draw(into surface: inout Surface, in rect: Rect) {
        let signs = countWidth
        var (left, right) = (lowEnd, highEnd)
        var room = rect.width - signs - 1
        if room - left.count - right.count < 4 { (left, right) = ([], []) }
        room -= left.count + right.count
        var x = rect.x
        for (text, role) in left { x += surface.put(x, rect.y, text, role) }
        x += drawGradient(&surface, x, rect.y, room)
        for (text, role) in right { x += surface.put(x, rect.y, text, role) }
        drawCounts(&surface, rect.right - signs, rect.y)
    }

    private typealias Parts = [(String, Role)]

    private var lowEnd: Parts {
        [(scale.lowLabel + " ", .ruler)] + (counts.below > 0 ? [("◂" + Numbers.short(counts.below) + " ", .warn)] : [])
    }

    private var highEnd: Parts {
        (counts.above > 0 ? [(" ▸" + Numbers.short(counts.above), .warn)] : []) + [(" " + scale.highLabel, .ruler)]
    }

    /// The map from end to end, with 0 where it lies.
    private func drawGradient(_ surface: inout Surface, _ x: Int, _ y: Int, _ width: Int) -> Int {
        guard width > 0 else { return 0 }
        for column in 0..<width {
            let level = UInt8(column * Style.levels / width)
            surface.set(x + column, y, .heat(map, top: level, bottom: level))
        }
        guard scale.lo < 0, scale.hi > 0, width >= 3 else { return width }
        let zero = min(Int(scale.place(0) * Double(width)), width - 1)
        surface.put(x + zero, y, "0", style: .onHeat(map, level: scale.level(0)))
        return width
    }

    private var signs: [(String, Int, Role)] {
        [("N", counts.nan, .nan), ("▲", counts.posInf, .posInf), ("▼", counts.negInf, .negInf)]
    }

    private var countWidth: Int {
        signs.reduce(2) { $0 + 2 + Numbers.short($1.1).utf8.count }
    }

    /// A count of nothing is dim; any other looks like the cells it counts.
    private func drawCounts(_ surface: inout Surface, _ start: Int, _ y: Int) {
        var x = start
        for (sign, count, role) in signs {
            x += surface.put(x, y, "\(sign) \(Numbers.short(count))", count == 0 ? .ruler : role)
            x += surface.put(x, y, " ", .text)
        }
    }
}

extension [(String, Role)] {
    /// Columns of all texts.
    fileprivate var count: Int { reduce(0) { $0 + VisibleText.width($1.0) } }
}
