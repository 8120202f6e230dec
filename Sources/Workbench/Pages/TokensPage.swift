import Screen

/// 7 Tokens: the text in tokens, how they were merged, what the model expected next, and what each layer would have said.
package enum TokensPage: Page {
    package static let id = PageID.tokens
    package static let key = 7
    package static let title = "Tok"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        if session.showsLabels { return labels(session, area) }
        return Breakpoint(session.size) == .rich ? rich(session, area) : standard(area)
    }

    /// What the loss reads, instead of what the tokenizer did.
    private static func labels(_ session: Session, _ area: Rect) -> [PanePlace] {
        let rows = area.rows([.rest, .fixed(Breakpoint(session.size) == .rich ? 14 : 8)])
        let bottom = rows[1].columns([.share(3, least: 50), .share(2)])
        return [
            PanePlace(TokenLabelsPane.self, rows[0]), PanePlace(TokenRowsPane.self, bottom[0]), PanePlace(TokenLabelPane.self, bottom[1]),
        ]
    }

    /// A long text has more lines, a short one leaves them to the lens.
    private static func rich(_ session: Session, _ area: Rect) -> [PanePlace] {
        let lines = TokenStripLayout(session, width: area.width - 4).lines
        let rows = area.rows([.fixed(min(max(3 * lines + 3, 8), 14)), .fixed(15), .rest])
        let middle = rows[1].columns([.share(2), .share(2), .fixed(44)])
        return [
            PanePlace(TokenStripPane.self, rows[0]), PanePlace(MergePane.self, middle[0]), PanePlace(TokenNextPane.self, middle[1]),
            PanePlace(LensPane.self, rows[2]), PanePlace(TokenInfoPane.self, middle[2]),
        ]
    }

    /// What the selected token is, the status line says.
    private static func standard(_ area: Rect) -> [PanePlace] {
        let rows = area.rows([.fixed(6), .share(1), .share(1)])
        let middle = rows[1].columns([.share(1), .share(1)])
        return [
            PanePlace(TokenStripPane.self, rows[0]), PanePlace(MergePane.self, middle[0]), PanePlace(TokenNextPane.self, middle[1]),
            PanePlace(LensPane.self, rows[2]),
        ]
    }

    package static func status(_ session: Session) -> Line {
        if session.showsLabels, let line = TrainBatchPane.status(session) { return line }
        guard let id = session.tokenIDs[safe: session.tokenIndex] else {
            return Line(session.busy ?? "no text yet — :open PATH, p edits the prompt", .status)
        }
        var line: [Span] = [Span("token \(session.tokenIndex)  id \(id)", .statusKey)]
        guard let bytes = TokenText.bytes(id, model: session.model) else { return Line(line) }
        line.append(Span("  \"\(session.tokenLabel(id))\"", .status))
        if let score = session.tokenScores[safe: session.tokenIndex] ?? nil {
            line.append(Span("  p \(Numbers.compact(score.probability))", .status))
        }
        if let rank = TokenInfoPane.merge(session)?.rank { line.append(Span("  merge \(rank)", .status)) }
        line.append(Span("  \(bytes.count) \(bytes.count == 1 ? "byte" : "bytes") \(TokenText.hex(bytes, limit: 24))", .status))
        return Line(line)
    }

    /// Whatever pane is focused, left and right go through the text, and up and down through the merges.
    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        if session.showsLabels { return TrainBatchPane.move(&session, step) }
        switch step {
        case .by(let dx, let dy):
            if dx != 0 { session.selectToken(session.tokenIndex + dx) }
            if dy != 0 { session.selectMerge(session.tokens.mergeStep + dy) }
        case .pages(let pages): session.selectToken(session.tokenIndex + Int(pages * 16))
        case .rowStart, .first: session.selectToken(0)
        case .rowEnd, .last: session.selectToken(session.tokenIDs.count - 1)
        case .layer(let by): session.selectLensRow(session.lensRow + by)
        case .out: session.focus[.tokens] = 0
        case .head, .leading: break
        }
        return true
    }
}
