import Engine
import Screen
import Tensors

/// The list of edits with what each changed, and the numbers of the selected one.
enum EditsBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ selection: Int) {
        let items = session.edits.items
        let details = details(session, selection)
        let height = items.isEmpty ? 3 : min(items.count + 2 + details.count, area.height - 4)
        let inside = Overlay(
            "Edits", label: "x undoes  u the last  Enter goes there  q close", size: Size(min(100, area.width - 6), height)
        ).draw(into: &surface, in: area)
        guard !items.isEmpty else { return drawNone(&surface, inside) }
        let rows = min(items.count + 1, max(inside.height - details.count - 1, 3))
        table(session, selection, inside.width).draw(into: &surface, in: Rect(inside.x, inside.y, inside.width, rows))
        Prose(lines: details).draw(into: &surface, in: Rect(inside.x, inside.y + rows + 1, inside.width, inside.height - rows - 1))
    }

    private static func drawNone(_ surface: inout Surface, _ inside: Rect) {
        surface.put(inside.x, inside.y, Line("none", .overlay), width: inside.width)
        surface.put(inside.x, inside.y + 1, Line(":knock-out L3H5  :zero NAME[head 3]  :set NAME[i, j] = V", .key), width: inside.width)
        surface.put(inside.x, inside.y + 2, Line("cs begins with the number under the cursor", .dim), width: inside.width)
    }

    private static func table(_ session: Session, _ selection: Int, _ width: Int) -> TableView {
        let columns = [
            TableView.Column("", width: .fixed(2), align: .right), TableView.Column("edit", width: .rest),
            TableView.Column("loss", width: .fixed(15)), TableView.Column("next", width: .fixed(width > 80 ? 24 : 20)),
            TableView.Column("steps", width: .fixed(5), align: .right),
        ]
        let items = session.edits.items
        return TableView(columns, count: items.count, selection: min(selection, items.count - 1)) { row in
            let report = items[row].report
            return [
                Span("\(row + 1)", .dim), Span("✎ \(items[row].edit)", .emphasis), Span(EditWords.loss(report) ?? "–", .overlay),
                Span(EditWords.next(report, session) ?? "–", .overlay), Span("\(report.steps)", .dim),
            ]
        }
    }

    /// All edits together against the run without any.
    private static func total(_ session: Session) -> [Line] {
        guard session.edits.items.count > 1, let before = session.edits.unedited?.lossBefore, let after = session.edits.last?.lossAfter
        else { return [] }
        let (old, new) = (Numbers.fixed(before, decimals: 3), Numbers.fixed(after, decimals: 3))
        return [[Span("all together: loss ", .overlay), Span("\(old) → \(new)", .emphasis)]]
    }

    /// The likeliest tokens and the watched values of the selected edit, before and after it.
    private static func details(_ session: Session, _ selection: Int) -> [Line] {
        guard let item = session.edits.items[safe: selection] else { return [] }
        let report = item.report
        var lines = total(session) + [Line("✎ \(item.edit)", .emphasis), Line("next token, before → after", .heading)]
        lines += report.tokens.prefix(5).map { token in
            [
                Span(session.tokenLabel(token.id).padding(14), .overlay), Span(Numbers.compact(token.before).padding(10), .dim),
                Span("→ \(Numbers.compact(token.after))", .emphasis),
            ]
        }
        guard !report.changes.isEmpty else { return lines + [Line(":watch NAME… shows here how far a value moves", .dim)] }
        lines.append(Line("watched values", .heading))
        return lines
            + report.changes.prefix(5).map { change in
                [
                    Span(Names.short(change.name).padding(28), .overlay),
                    Span("max|Δ| \(Numbers.compact(change.maximum)) @\(change.index)  ‖Δ‖ \(Numbers.compact(change.norm))", .emphasis),
                ]
            }
    }
}

/// A patch scan as a heat map: layers down, positions or heads to the right.
enum ScanBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ cursor: Point) {
        guard let state = session.scan else { return }
        let scan = state.scan
        let size = Size(area.width - 6, min(area.height - 4, max(2 * scan.rows + 6, 14)))
        let label = state.isRunning ? "\(scan.done) of \(scan.total)  C-c stops" : "hjkl moves  Enter copies  q close"
        let inside = Overlay("Patch \(scan.what.rawValue) from \(state.from)", label: label, size: size).draw(into: &surface, in: area)
        surface.put(inside.x, inside.y, question(session, scan), width: inside.width)
        HeatMap(
            grid(scan), scale: scale(scan), map: .diverging, counts: HeatCounts(), cursor: cursor,
            rowLabels: scan.layers.map { $0 < 0 ? "emb" : "L\($0)" }, columnLabels: columns(session, scan)
        ).draw(into: &surface, in: Rect(inside.x, inside.y + 2, inside.width, inside.height - 4))
        surface.put(inside.x, inside.bottom - 1, readout(session, scan, cursor), width: inside.width)
    }

    private static func question(_ session: Session, _ scan: PatchScan) -> Line {
        let (answer, wrong) = (session.tokenLabel(scan.question.answer), session.tokenLabel(scan.question.wrong))
        return [
            Span("logit \(answer) − logit \(wrong)", .formula),
            Span("  clean \(Numbers.compact(scan.clean))  here \(Numbers.compact(scan.corrupted))", .overlay),
        ]
    }

    /// Cells that have not been measured show nothing; three decimals are enough for a picture.
    private static func grid(_ scan: PatchScan) -> PooledGrid {
        let flags = scan.effects.indices.map { place in
            place >= scan.done ? PooledGrid.masked : scan.effects[place].isFinite ? PooledGrid.finite : PooledGrid.nan
        }
        let values = scan.effects.map { $0.isFinite ? ($0 * 1000).rounded() / 1000 + 0 : 0 }
        return PooledGrid(
            rows: scan.rows, columns: scan.columns, values: values, flags: flags, sourceHeight: scan.rows, sourceWidth: scan.columns)
    }

    private static func scale(_ scan: PatchScan) -> HeatScale {
        .symmetric(max(1, scan.effects.reduce(0) { $1.isFinite ? max($0, Double(abs($1))) : $0 }))
    }

    private static func columns(_ session: Session, _ scan: PatchScan) -> [String] {
        (0..<scan.columns).map { column in
            scan.what == .heads ? "H\(column)" : session.snapshot?.ids[safe: column].map { session.tokenLabel($0) } ?? "\(column)"
        }
    }

    private static func readout(_ session: Session, _ scan: PatchScan, _ cursor: Point) -> Line {
        let (row, column) = (min(cursor.y, scan.rows - 1), min(cursor.x, scan.columns - 1))
        let layer = scan.layers[row] < 0 ? "embedding" : "L\(scan.layers[row])"
        let place = scan.what == .heads ? "\(layer)H\(column)" : "\(layer) token \(column) \(columns(session, scan)[column])"
        let effect = scan[row, column]
        let words = effect.isNaN ? "not measured" : "\(Numbers.fixed(Double(effect), decimals: 3)) of the way to the clean answer"
        return [Span(place, .emphasis), Span("  \(words)", .overlay)]
    }
}

extension Session {
    /// Keys of the list of edits; Enter goes to the edited value.
    mutating func editsKey(_ key: Key, _ selection: Int) -> [Effect] {
        let items = edits.items
        switch key.code {
        case .character("x") where !items.isEmpty: return [.engine(.whatIf(.remove(min(selection, items.count - 1))))]
        case .character("u") where !items.isEmpty: return [.engine(.whatIf(.remove(items.count - 1)))]
        case .enter:
            guard let edit = items[safe: selection]?.edit, let program = snapshot?.stepper.program,
                let id = (try? edit.values(in: program))?.first
            else { return [] }
            overlay = nil
            remember()
            select(ValueRef(id: id), remember: false)
        default: overlay = .edits(selection: key.moved(selection, of: items.count))
        }
        return []
    }

    /// Keys of a scan; Enter makes the patch under the cursor an edit.
    mutating func scanKey(_ key: Key, row: Int, column: Int) -> [Effect] {
        guard let state = scan else { return [] }
        var (row, column) = (row, column)
        switch key.code {
        case .left, .character("h"): column -= 1
        case .right, .character("l"): column += 1
        case .home: column = 0
        case .end: column = state.scan.columns - 1
        case .enter:
            guard let program = snapshot?.stepper.program else { return [] }
            overlay = nil
            return [.engine(.whatIf(.add(state.scan.edit(row: row, column: column, program: program, from: state.from))))]
        default: row += key.scroll
        }
        overlay = .scan(row: min(max(row, 0), state.scan.rows - 1), column: min(max(column, 0), state.scan.columns - 1))
        return []
    }
}
