import Screen

/// 2 Attention: one head or all heads of a layer, the mask, what a query looks at and why.
package enum AttentionPage: Page {
    package static let id = PageID.attention
    package static let key = 2
    package static let title = "Attn"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        switch Breakpoint(session.size) {
        case .rich: rich(session, area)
        case .standard: standard(session, area)
        case .single, .none: single(session, area)
        }
    }

    package static func hints(_ session: Session) -> [HintBar.Hint] {
        let moves =
            session.attention.showsAllHeads
            ? [HintBar.Hint("hjkl", "head")] : [HintBar.Hint("hjkl", "cell"), HintBar.Hint("{ }", "head")]
        return moves + [HintBar.Hint("[ ]", "layer"), HintBar.Hint("Enter", session.attention.showsAllHeads ? "one head" : "lineage")]
    }

    private static func main(_ session: Session) -> any Pane.Type {
        session.attention.showsAllHeads ? AttentionHeadsPane.self : AttentionMapPane.self
    }

    private static func rich(_ session: Session, _ area: Rect) -> [PanePlace] {
        let columns = area.columns([.rest, .fixed(60)])
        let isAll = session.attention.showsAllHeads
        let right = columns[1].rows([isAll ? .fixed(0) : .share(2), isAll ? .rest : .fixed(13), .fixed(15)])
        return [
            PanePlace(main(session), columns[0]), PanePlace(AttentionHeadsPane.self, right[0]), PanePlace(AttentionKeysPane.self, right[1]),
            PanePlace(AttentionFormulaPane.self, right[2]),
        ]
    }

    private static func standard(_ session: Session, _ area: Rect) -> [PanePlace] {
        let columns = area.columns([.rest, .fixed(34)])
        let right = columns[1].rows([session.attention.showsAllHeads ? .fixed(0) : .fixed(10), .rest])
        return [
            PanePlace(main(session), columns[0]), PanePlace(AttentionHeadsPane.self, right[0]), PanePlace(AttentionKeysPane.self, right[1]),
        ]
    }

    /// One at a time, each in all the room.
    private static func single(_ session: Session, _ area: Rect) -> [PanePlace] {
        let heads: [any Pane.Type] = session.attention.showsAllHeads ? [] : [AttentionHeadsPane.self]
        return ([main(session)] + heads + [AttentionKeysPane.self, AttentionFormulaPane.self]).map { PanePlace($0, area) }
    }

    package static func status(_ session: Session) -> Line {
        guard let focus = session.attentionFocus else { return Line(session.busy ?? "no model is open — :open PATH", .status) }
        return AttentionStatus.line(session, focus)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard let focus = session.attentionFocus else { return true }
        switch step {
        case .layer(let by): session.moveAttention(layer: focus.layer, by: by)
        case .head(let by), .leading(let by): session.attention.head = min(max(focus.head + by, 0), focus.values.heads - 1)
        case .out: session.attention.showsAllHeads = true
        default: session.moveAttention(focus, step)
        }
        return true
    }
}

extension Session {
    /// To the next layer that has attention.
    fileprivate mutating func moveAttention(layer: Int, by: Int) {
        guard let layers = snapshot?.stepper.program.attentionLayers, let at = layers.firstIndex(of: layer) else { return }
        attention.layer = layers[min(max(at + by, 0), layers.count - 1)]
    }

    /// The cursor over queries (down) and keys (right).
    fileprivate mutating func moveAttention(_ focus: AttentionFocus, _ step: Move) {
        var (row, key) = (focus.row, focus.key)
        switch step {
        case .by(let dx, let dy): (row, key) = (row + dy, key + dx)
        case .pages(let pages): row += Int(Double(max(2, size.height - 8)) * pages)
        case .rowStart: key = 0
        case .rowEnd: key = focus.values.keys - 1
        case .first: (row, key) = (0, 0)
        case .last: (row, key) = (focus.values.queries - 1, focus.values.keys - 1)
        case .layer, .head, .leading, .out: return
        }
        attention.query = focus.past + min(max(row, 0), focus.values.queries - 1)
        attention.key = min(max(key, 0), focus.values.keys - 1)
    }
}

/// `L3 H5  query 7 "it" → key 1 "cat"  0.405   entropy 1.67 nats   sums to 1.000000 ✓`
enum AttentionStatus {
    static func line(_ session: Session, _ focus: AttentionFocus) -> Line {
        let isWide = session.size.width >= 100
        let width = isWide ? 24 : 8
        let query = "\(focus.query) \(session.quotedToken(focus.query, width: width))"
        let key = "\(focus.key) \(session.quotedToken(focus.key, width: width))"
        let place = isWide ? "query \(query) → key \(key)" : "\(query) → \(key)"
        var spans = [Span("\(focus.name)  ", .statusKey), Span("\(place)  ", .status), number(session, focus)]
        if let query = session.attentionQuery(focus) {
            let entropy = Numbers.compact(query.entropy)
            spans.append(Span(isWide ? "   entropy \(entropy) nats   sums to " : "  \(entropy) nats  Σ ", .status))
            spans += sum(query)
        }
        return Line(spans)
    }

    /// The number under the cursor, as the recording has it; the engine's answer where it was evicted.
    private static func number(_ session: Session, _ focus: AttentionFocus) -> Span {
        let cell = session.attentionCell(focus)
        switch session.attention.part {
        case .probs:
            guard !focus.isHidden else { return Span("hidden", .warn) }
            let p = session.tensor(ValueRef(id: focus.values.probs))?.value(at: focus.index) ?? cell?.probability
            return Span(p.map { AttentionKeysPane.probability($0) } ?? "not computed yet", .statusKey)
        case .scores:
            let score = session.tensor(ValueRef(id: focus.values.scores))?.value(at: focus.index) ?? cell?.score
            return Span(score.map { "score \($0 == -.infinity ? "−∞" : Numbers.signed($0, digits: 5))" } ?? "not computed yet", .statusKey)
        case .mask: return Span(focus.isHidden ? "mask −∞" : "mask 0", .statusKey)
        }
    }

    /// `1.000000 ✓`
    static func sum(_ query: AttentionQuery) -> [Span] {
        let rounded = (query.sum * 1e6).rounded() / 1e6
        return [Span("\(Numbers.compact(rounded, digits: 7)) ", .text), query.sumsToOne ? Span("✓", .ok) : Span("✗", .err)]
    }
}
