import Engine
import Screen

/// The steps of the reverse walk with its cursor, layer by layer, each with the norm of what it wrote; inside an op, the op's own.
package enum ReversePane: Pane {
    package static let name = "Reverse"

    package static func title(_ session: Session) -> String {
        session.snapshot?.inner.isEmpty == false ? ProgramPane.title(session) : "Reverse walk"
    }

    package static func label(_ session: Session) -> String {
        guard session.snapshot?.inner.isEmpty == true else { return ProgramPane.label(session) }
        return session.reverse.map { "\(session.reverseCursor ?? 0)/\($0.entries.count)" } ?? ""
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        [.gradient(.list)] + [GradientCheck.request(session)].compactMap(\.self)
    }

    // MARK: drawing

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.snapshot?.inner.isEmpty ?? true else { return ProgramPane.draw(session, &surface, area, focused: focused) }
        guard let list = session.reverse else {
            let text = session.snapshot == nil ? session.busy ?? "no model is open — :open PATH" : session.reverseProblem ?? ""
            return Prose(lines: [Line(text, session.reverseProblem == nil ? .dim : .warn)]).draw(into: &surface, in: area.inset(1, 0))
        }
        let rows = list.rows(folded: session.gradient.folded)
        TreeView(count: rows.count, selection: selection(session, list, rows), isFocused: focused, hasSigns: true) { number in
            switch rows[number] {
            case .group(let group): head(session, list, group)
            case .entry(let entry): step(session, list, entry, width: area.width)
            }
        }.draw(into: &surface, in: area)
    }

    /// The row that is selected, or the head of the layer it is folded into.
    private static func selection(_ session: Session, _ list: ReverseList, _ rows: [ReverseList.Row]) -> Int? {
        guard let row = session.reverseRow else { return session.reverseCursor.flatMap { rows.firstIndex(of: .entry($0)) } }
        if let at = rows.firstIndex(of: row) { return at }
        guard case .entry(let entry) = row, let group = list.group(of: entry) else { return nil }
        return rows.firstIndex(of: .group(group))
    }

    /// A layer with the norm of the gradient that enters it: the residual stream's.
    private static func head(_ session: Session, _ list: ReverseList, _ number: Int) -> TreeView.Row {
        let group = list.groups[number]
        let cursor = session.reverseCursor ?? 0
        let isFolded = group.layer.map { session.gradient.folded.contains($0) } ?? false
        let sign: Span? = isFolded && group.entries.contains(cursor) ? Span("▶", .current) : nil
        let role: Role = cursor >= group.entries.upperBound ? .heading : cursor < group.entries.lowerBound ? .dim : .current
        return TreeView.Row(
            Line("layer \(group.layer ?? 0)", role), fold: isFolded ? .closed : .open,
            detail: isFolded ? Line("\(group.entries.count) steps", .dim) : [], sign: sign)
    }

    private static func step(_ session: Session, _ list: ReverseList, _ number: Int, width: Int) -> TreeView.Row {
        let entry = list.entries[number]
        let cursor = session.reverseCursor ?? 0
        let role: Role = number == cursor ? .current : number < cursor ? .text : .dim
        // The norm never gives way: the signs, the fold mark and the indent take five columns, the number eight.
        let room = max(width - 14, 0)
        let via = entry.via.map { " via \($0)" } ?? ""
        let name = VisibleText.cut(entry.name, to: max(room - VisibleText.width(via), min(room, 12)))
        var line = [Span(name, role), Span(VisibleText.cut(via, to: room - VisibleText.width(name)), .dim)]
        if Line(line).width + VisibleText.width(entry.op) + 2 <= room { line.append(Span("  \(entry.op)", .dim)) }
        if isWatched(session, list, entry) { line.append(Span(" w", .watch)) }
        return TreeView.Row(
            Line(line), depth: entry.layer == nil ? 0 : 1, detail: norm(session, entry, number, cursor),
            sign: sign(session, list, number, cursor))
    }

    private static func norm(_ session: Session, _ entry: ReverseList.Entry, _ number: Int, _ cursor: Int) -> Line {
        guard number < cursor, let s = session.statistics(ValueRef(id: entry.output)) else { return Line("…", .dim) }
        if s.nan > 0 { return Line("N \(s.nan)", .nan) }
        if s.positiveInfinity + s.negativeInfinity > 0 { return Line("▲ \(s.positiveInfinity + s.negativeInfinity)", .posInf) }
        return Line(Numbers.compact(s.norm), number == cursor - 1 ? .emphasis : .text)
    }

    /// `●` written, `▶` next, `○` to come; `◉` where a breakpoint waits.
    private static func sign(_ session: Session, _ list: ReverseList, _ number: Int, _ cursor: Int) -> Span {
        if number == cursor, session.isReversing { return Span("▶", .current) }
        if isStop(session, list, list.entries[number]) { return Span("◉", .breakpoint) }
        return number < cursor ? Span("●", .ok) : Span("○", .dim)
    }

    private static func isStop(_ session: Session, _ list: ReverseList, _ entry: ReverseList.Entry) -> Bool {
        session.breakpoints.contains { $0.stops(before: list.program.values[entry.output]) }
    }

    private static func isWatched(_ session: Session, _ list: ReverseList, _ entry: ReverseList.Entry) -> Bool {
        session.watchpoints.contains { $0.pattern.matches(list.program.values[entry.output]) }
    }

    // MARK: keys and mouse

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard session.snapshot?.inner.isEmpty ?? true else { return ProgramPane.move(&session, step) }
        guard let list = session.reverse else { return true }
        let rows = list.rows(folded: session.gradient.folded)
        guard !rows.isEmpty else { return true }
        let now = selection(session, list, rows) ?? 0
        switch step {
        case .by(let dx, let dy) where dy == 0: session.foldReverse(list, rows[now], open: dx > 0)
        case .by(_, let dy): session.selectReverse(rows[min(max(now + dy, 0), rows.count - 1)])
        case .pages(let pages): session.selectReverse(rows[min(max(now + Int(pages * 16), 0), rows.count - 1)])
        case .first, .rowStart: session.selectReverse(rows[0])
        case .last, .rowEnd: session.selectReverse(rows[rows.count - 1])
        case .out: session.foldReverse(list, rows[now], open: false)
        default: return false
        }
        return true
    }

    /// A layer opens or folds; a gradient that is known is stepped into, one to come is run to.
    package static func activate(_ session: inout Session) -> [Effect] {
        guard session.snapshot?.inner.isEmpty ?? true else { return ProgramPane.activate(&session) }
        if case .group(let group)? = session.reverseRow {
            session.toggleReverse(group)
            return []
        }
        guard let value = session.gradientValue, session.isComputed(value) else { return session.execute("run-to") }
        return session.execute("into")
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard session.snapshot?.inner.isEmpty ?? true, let list = session.reverse else { return }
        let rows = list.rows(folded: session.gradient.folded)
        let tree = TreeView(count: rows.count, selection: selection(session, list, rows)) { _ in TreeView.Row("") }
        if let hit = tree.index(at: point, in: area) { session.selectReverse(rows[hit]) }
    }
}

extension Session {
    /// The entry of the reverse walk that runs next; all are behind it at the end. Nil before the walk is part of the run.
    package var reverseCursor: Int? {
        guard let stepper = snapshot?.stepper, stepper.program.hasBackward else { return nil }
        return max(0, stepper.cursor - stepper.program.forwardCount)
    }

    /// Whether the run stands in the reverse walk, or right before it.
    var isReversing: Bool {
        guard let stepper = snapshot?.stepper else { return false }
        return stepper.cursor >= stepper.program.forwardCount
    }

    fileprivate mutating func foldReverse(_ list: ReverseList, _ row: ReverseList.Row, open: Bool) {
        switch row {
        case .group(let group):
            guard let layer = list.groups[safe: group]?.layer, gradient.folded.contains(layer) == open else { return }
            toggleReverse(group)
        case .entry(let entry):
            guard !open, let group = list.group(of: entry), list.groups[group].layer != nil else { return }
            selectReverse(.group(group))
        }
    }

    fileprivate mutating func toggleReverse(_ group: Int) {
        guard let layer = reverse?.groups[safe: group]?.layer else { return }
        if gradient.folded.remove(layer) == nil { gradient.folded.insert(layer) }
    }
}
