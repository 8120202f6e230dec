import Screen

/// softmax(scale · q·k + mask) with the numbers of the cell under the cursor.
package enum AttentionFormulaPane: Pane {
    package static let name = "Formula"
    package static func title(_ session: Session) -> String {
        let values = session.attentionFocus.map { [$0.values.probs, $0.values.scores] } ?? []
        return session.formatSign(among: values) + "softmax(q·k·scale + mask)"
    }

    package static func label(_ session: Session) -> String {
        session.attentionFocus.map { "\(session.quotedToken($0.query)) → \(session.quotedToken($0.key))" } ?? ""
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.attentionFocus.map { session.attentionRequests($0) } ?? []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.attentionFocus, let cell = session.attentionCell(focus) else { return }
        let lines = AttentionFormula.long(session, focus, cell)
        for (row, line) in lines.prefix(area.height).enumerated() { surface.put(area.x + 1, area.y + row, line, width: area.width - 2) }
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.openAttentionLineage() }
}

/// The formula of a cell in words and numbers.
enum AttentionFormula {
    /// Two lines for small screens.
    static func short(_ session: Session, _ focus: AttentionFocus) -> [Line] {
        guard let cell = session.attentionCell(focus) else { return [[], []] }
        let score = cell.isHidden ? "−∞" : number(cell.capped)
        let end = cell.probability.map { AttentionKeysPane.probability($0) } ?? "?"
        return [
            Line("q·k \(number(cell.dot)) × \(scale(focus)) = \(number(cell.scaled))", .formula),
            [Span("softmax(\(score)) = ", .formula), Span(end, .emphasis)],
        ]
    }

    /// A line a step of the computation.
    static func long(_ session: Session, _ focus: AttentionFocus, _ cell: AttentionCell) -> [Line] {
        let group = focus.values.keyHeads < focus.values.heads ? ", k of kv head \(focus.values.keyHead(of: focus.head))" : ""
        var lines = [
            row("q·k", cell.dot, "\(focus.values.dimension) products\(group)"),
            row("× scale", focus.values.scale, "1/√\(focus.values.dimension)", shown: focus.values.isUsualScale),
            row("= s", cell.scaled, ""),
        ]
        if focus.values.softcap > 0 {
            lines.append(row("cap", cell.capped, "\(number(focus.values.softcap))·tanh(s / \(number(focus.values.softcap)))"))
        }
        lines.append(mask(focus, cell))
        lines += [[], row("max s", cell.top, "the row's largest")]
        lines.append(row("exp(s − max)", cell.exponential, ""))
        lines.append(row("÷ Σ exp", cell.sum, "over the \(focus.values.visible(focus.row).count) keys it sees"))
        lines.append(result(cell))
        return lines + checks(session, focus, cell)
    }

    private static func mask(_ focus: AttentionFocus, _ cell: AttentionCell) -> Line {
        guard cell.isHidden else { return [name("+ mask"), value("0"), Span("  key \(focus.key) is seen from \(focus.query)", .dim)] }
        let why = focus.key > focus.query ? "it comes later" : "outside the window of \(focus.values.mask.window)"
        return [name("+ mask"), value("−∞"), Span("  hidden: \(why)", .warn)]
    }

    private static func result(_ cell: AttentionCell) -> Line {
        guard let p = cell.probability else { return [name("= p"), Span("not computed yet", .dim)] }
        return [name("= p"), Span(Numbers.right(AttentionKeysPane.probability(p), 12), .emphasis)]
    }

    private static func checks(_ session: Session, _ focus: AttentionFocus, _ cell: AttentionCell) -> [Line] {
        var lines: [Line] = [[]]
        if let score = cell.score {
            let isSame = cell.isHidden ? score == -.infinity : abs(score - cell.capped) <= 1e-5 * max(1, abs(score))
            let shown = cell.isHidden ? "−∞" : Numbers.compact(score, digits: 7)
            lines.append([Span("recorded score ", .dim), Span(shown), isSame ? Span(" ✓", .ok) : Span(" ✗", .err)])
        }
        if let query = session.attentionQuery(focus) { lines.append([Span("the row sums to ", .dim)] + AttentionStatus.sum(query)) }
        return lines
    }

    private static func row(_ title: String, _ number: Double, _ note: String, shown isShown: Bool = true) -> Line {
        [name(title), value(self.number(number)), Span(isShown && !note.isEmpty ? "  \(note)" : "", .dim)]
    }

    private static func name(_ text: String) -> Span { Span(text.padding(14), .formula) }
    private static func value(_ text: String) -> Span { Span(Numbers.right(text, 12)) }
    private static func number(_ value: Double) -> String { Numbers.compact(value, digits: 5) }
    private static func scale(_ focus: AttentionFocus) -> String { Numbers.label(focus.values.scale) }
}

extension AttentionValues {
    /// 1/√d, as nearly all models have it.
    fileprivate var isUsualScale: Bool { abs(scale * Double(dimension).squareRoot() - 1) < 1e-6 }
}

extension Line {
    static func + (line: Line, more: [Span]) -> Line { Line(line.spans + more) }
}
