import Engine
import Screen

/// The lens as a table that fits an area: which positions are its columns, and where its cells lie. Columns come in whole pages, so that
/// moving the cursor asks for nothing new until it leaves the page.
struct LensTable {
    let area: Rect
    /// Positions of the pass that are shown.
    let positions: Range<Int>
    private let cellWidth: Int
    /// Two where there is room for the probability under each token.
    private let rowHeight: Int
    private let past: Int
    private let showsTargets: Bool
    private static let rowHeader = 4
    private static let narrow = 9
    private static let wide = 13

    init(_ session: Session, _ area: Rect) {
        self.area = area.inset(1, 0)
        past = session.snapshot?.past ?? 0
        let layers = session.lensStreams.count
        showsTargets = area.height >= layers + 2
        rowHeight = area.height >= 2 * layers + 2 ? 2 : 1
        let count = max(session.tokenIDs.count - past, 0)
        // All tokens, wider or narrower, if they fit; else as many as stay readable.
        let room = self.area.width - Self.rowHeader
        cellWidth = min(max(room / max(count, 1), Self.narrow), Self.wide)
        let columns = max(room / cellWidth, 1)
        let start = min((session.tokenRow ?? 0) / columns * columns, max(count - columns, 0))
        positions = session.tokenRow == nil ? 0..<min(columns, count) : start..<min(start + columns, count)
    }

    var request: Request { .lens(positions, count: 5) }

    private var body: Rect { Rect(area.x, area.y + 1, area.width, area.height - 1 - (showsTargets ? 1 : 0)) }

    private func visible(_ session: Session) -> Range<Int> {
        Scrolling.visible(session.lensStreams.count, in: body.height / rowHeight, selection: session.lensRow)
    }

    private func column(_ position: Int) -> Int { area.x + Self.rowHeader + (position - positions.lowerBound) * cellWidth }

    /// Row and position under a point.
    func cell(at point: Point, _ session: Session) -> (row: Int, position: Int)? {
        let row = visible(session).lowerBound + (point.y - body.y) / rowHeight
        let position = positions.lowerBound + (point.x - area.x - Self.rowHeader) / cellWidth
        return visible(session).contains(row) && positions.contains(position) && point.x >= column(positions.lowerBound)
            ? (row, position) : nil
    }

    /// `emb` for the stream before the first block, else the block's number.
    static func layerName(_ session: Session, _ row: Int) -> String {
        guard let stream = session.lensStreams[safe: row], let layer = session.snapshot?.stepper.program.values[stream].layer else {
            return "emb"
        }
        return "\(layer)"
    }

    func draw(_ session: Session, _ lens: LogitLens?, _ surface: inout Surface, focused: Bool) {
        let ids = session.tokenIDs
        for position in positions {
            let isHere = position == session.tokenRow
            put(&surface, position, area.y, session.tokenLabel(ids[past + position]), isHere ? .rulerCursor : .ruler)
            guard showsTargets, let next = session.tokenAfter(past + position) else { continue }
            put(
                &surface, position, body.y + visible(session).count * rowHeight, "→" + session.tokenLabel(next),
                isHere ? .rulerCursor : .ruler)
        }
        for (line, row) in visible(session).enumerated() {
            let isHere = row == session.lensRow
            let (y, style) = (body.y + line * rowHeight, Style.role(isHere ? .rulerCursor : .ruler))
            surface.put(area.x, y, LensTable.layerName(session, row), width: Self.rowHeader - 1, align: .right, style: style)
            for position in positions { drawCell(session, lens, &surface, row, position, y, focused) }
        }
    }

    private func put(_ surface: inout Surface, _ position: Int, _ y: Int, _ text: String, _ role: Role) {
        surface.put(column(position), y, text, width: cellWidth - 1, align: .center, style: .role(role))
    }

    private func drawCell(
        _ session: Session, _ lens: LogitLens?, _ surface: inout Surface, _ row: Int, _ position: Int, _ y: Int, _ focused: Bool
    ) {
        let cell = Rect(column(position), y, cellWidth - 1, 1)
        guard let top = lens?.rows[safe: row]?.rankings[safe: position - positions.lowerBound]?.top.first else {
            surface.put(cell.x, y, "…", width: cell.width, align: .center, style: .role(.dim))
            return
        }
        let isHere = row == session.lensRow && position == session.tokenRow
        let style: Style =
            top.probability.isNaN ? .role(.nan) : .onHeat(.sequential, level: HeatScale(lo: 0, hi: 1).level(Double(top.probability)))
        let sign = top.id == session.tokenAfter(past + position) ? "✓" : ""
        let room = cell.width - 2
        surface.fill(cell, Cell(" ", style))
        surface.put(
            cell.x + 1, y, VisibleText.cut(session.tokenLabel(top.id), to: room - sign.count), style: style,
            attributes: isHere ? [.bold, .underline] : [])
        surface.put(cell.right - 1 - sign.count, y, sign, style: style)
        if rowHeight > 1 { surface.put(cell.x + 1, y + 1, Numbers.fitting(Double(top.probability), columns: 5) ?? "", .dim) }
        guard isHere else { return }
        surface.set(cell.x, y, Cell(focused ? "▸" : "[", style, attributes: .bold))
        surface.set(cell.right - 1, y, Cell(focused ? "◂" : "]", style, attributes: .bold))
    }
}
