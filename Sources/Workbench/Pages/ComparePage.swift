import Engine
import Screen

/// 6 Compare: a run held against others, value by value: the error layer by layer, the table, and both sides of a value as pictures.
package enum ComparePage: Page {
    package static let id = PageID.compare
    package static let key = 6
    package static let title = "Cmp"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        guard !session.comparedLines.isEmpty else { return [PanePlace(CompareChartPane.self, area)] }
        switch Screen.Breakpoint(session.size) {
        case .rich: return rich(area)
        case .standard: return standard(area)
        case .single, .none: return panes.map { PanePlace($0, area) }
        }
    }

    /// The table first: the keys go there.
    private static let panes: [any Pane.Type] = [
        CompareTablePane.self, CompareChartPane.self, CompareRunsPane.self, CompareDifferencePane.self, CompareBasePane.self,
        CompareOtherPane.self,
    ]

    private static func rich(_ area: Rect) -> [PanePlace] {
        let rows = area.rows([.rest, .fixed(22)])
        let top = rows[0].columns([.rest, .fixed(66)])
        let bottom = rows[1].columns([.rest, .fixed(28), .fixed(28), .fixed(28)])
        return places([bottom[0], top[0], top[1], bottom[3], bottom[1], bottom[2]])
    }

    private static func standard(_ area: Rect) -> [PanePlace] {
        let rows = area.rows([.rest, .fixed(11)])
        let top = rows[0].columns([.rest, .fixed(36)])
        let bottom = rows[1].columns([.rest, .fixed(30)])
        return places([bottom[0], top[0], top[1], bottom[1]])
    }

    private static func places(_ rects: [Rect]) -> [PanePlace] { zip(panes, rects).map { PanePlace($0, $1) } }

    package static func hints(_ session: Session) -> [HintBar.Hint] {
        guard !session.comparedLines.isEmpty else { return [] }
        return [
            HintBar.Hint("jk", "value"), HintBar.Hint("[ ]", "layer"), HintBar.Hint("{ }", "run"), HintBar.Hint("Enter", "element"),
        ]
    }

    package static func label(_ session: Session) -> String {
        guard let line = session.comparedLine else { return RunLine.label(session) }
        return "\(RunLine.live(session))A \(session.compared.base)  B \(line.name)"
    }

    package static func shorterLabels(_ session: Session) -> [String] {
        guard let line = session.comparedLine else { return RunLine.shorterLabels(session) }
        return ["\(RunLine.live(session))B \(line.name)", RunLine.live(session)]
    }

    package static func status(_ session: Session) -> Line {
        guard let line = session.comparedLine, let row = session.comparedRow else {
            return Line(
                session.busy ?? (session.snapshot == nil ? "no model is open — :open PATH" : "nothing is held against this run"), .status)
        }
        guard row.difference != nil else { return [Span("\(Names.short(row.name))  ", .statusKey), Span(row.mismatch ?? "", .statusWarn)] }
        return fitting(parts(row, line), session)
    }

    private static func parts(_ row: ValueDifference, _ line: CompareState.Line) -> [Span] {
        var spans = [Span("\(Names.short(row.name)) \(row.index)", .statusKey)]
        let numbers = row.numbers.map { Numbers.compact($0, digits: 6) }
        if row.isIdentical {
            spans.append(Span("  the same bits", .statusOk))
        } else {
            spans.append(Span("  A \(numbers.first ?? "") B \(numbers.last ?? "")", .status))
            spans.append(
                Span(
                    "  NMSE \(Numbers.compact(row.nmse)) \(row.isBeyond ? ">" : "≤") \(Numbers.label(row.limit))",
                    row.isBeyond ? .statusErr : .statusOk))
        }
        if let next = CompareWords.next(line.comparison) { spans.append(Span("  \(next)", .status)) }
        return spans
    }

    /// The parts that stand there whole beside the run's own; the table has the others.
    private static func fitting(_ parts: [Span], _ session: Session) -> Line {
        let room = session.size.width - 3 - RunLine.line(session).width
        var line = Line(Array(parts.prefix(1)))
        for part in parts.dropFirst() where line.width + VisibleText.width(part.text) <= room { line.spans.append(part) }
        return line
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        switch step {
        case .layer(let by): session.moveComparedLayer(by)
        case .head(let by): session.selectComparedLine(session.comparedLineIndex + by)
        case .leading(let by): session.compare.leading = session.comparedLeading + by
        default: return CompareTablePane.move(&session, step)
        }
        return true
    }
}
