import Screen
import Tensors

/// 3 RoPE: the tables, a pair turning, q before and after, the score against the distance. For models without it, what they use instead.
package enum RopePage: Page {
    package static let id = PageID.rope
    package static let key = 3
    package static let title = "RoPE"

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        guard session.ropeFocus != nil || session.snapshot == nil else { return learned(session, area) }
        switch Breakpoint(session.size) {
        case .rich: return rich(session, area)
        case .standard: return standard(area)
        case .single, .none: return panes.map { PanePlace($0, area) }
        }
    }

    package static func hints(_ session: Session) -> [HintBar.Hint] {
        guard session.ropeFocus != nil else {
            return [HintBar.Hint("hl", "position"), HintBar.Hint("jk", "feature"), HintBar.Hint("Tab", "pane")]
        }
        return [HintBar.Hint("hl", "position"), HintBar.Hint("jk", "pair"), HintBar.Hint("[ ]", "layer"), HintBar.Hint("{ }", "head")]
    }

    private static let panes: [any Pane.Type] = [
        RopeTablePane.self, RopeCirclePane.self, RopeDistancePane.self, RopeFormulaPane.self, RopeNumbersPane.self,
    ]

    private static func rich(_ session: Session, _ area: Rect) -> [PanePlace] {
        let columns = area.columns([.rest, .fixed(60)])
        // Few pairs leave the table small; the plot below it can use the room. Frame, positions and colour bar take four lines.
        let pairs = session.ropeFocus?.values.pairs ?? 64
        let left = columns[0].rows([.fixed(min(2 * pairs + 4, area.height - 17)), .rest])
        let right = columns[1].rows([.rest, .fixed(11), .fixed(12)])
        return zip(panes, [left[0], right[0], left[1], right[1], right[2]]).map { PanePlace($0, $1) }
    }

    private static func standard(_ area: Rect) -> [PanePlace] {
        let columns = area.columns([.rest, .fixed(34)])
        let left = columns[0].rows([.rest, .fixed(9)])
        let right = columns[1].rows([.rest, .fixed(9)])
        return zip(panes, [left[0], right[0], left[1], right[1]]).map { PanePlace($0, $1) }
    }

    private static func learned(_ session: Session, _ area: Rect) -> [PanePlace] {
        guard session.learnedFocus != nil else { return [PanePlace(RopeAbsentPane.self, area)] }
        let panes: [any Pane.Type] = [RopeAbsentPane.self, RopeLearnedPane.self, RopeLikenessPane.self]
        guard Breakpoint(session.size) >= .standard else { return panes.map { PanePlace($0, area) } }
        let columns = area.columns([.rest, .fixed(Breakpoint(session.size) == .rich ? 60 : 32)])
        let right = columns[1].rows([.fixed(12), .rest])
        return zip(panes, [right[0], columns[0], right[1]]).map { PanePlace($0, $1) }
    }

    package static func label(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return RunLine.label(session) }
        let base = focus.values.source.map { "  base \(Numbers.label($0.base))" } ?? ""
        return "\(RunLine.live(session))head_dim \(focus.values.dimension)\(base)  context \(Numbers.count(focus.context))"
    }

    // MARK: the status line

    package static func status(_ session: Session) -> Line {
        if let focus = session.ropeFocus { return status(session, focus) }
        if let focus = session.learnedFocus { return status(session, focus) }
        return Line(session.snapshot == nil ? session.busy ?? "no model is open — :open PATH" : "this model has no positions", .status)
    }

    private static func status(_ session: Session, _ focus: RopeFocus) -> Line {
        let (token, isWide) = (session.textLabel(at: focus.position), session.size.width >= 100)
        let place =
            isWide
            ? "pos m=\(focus.position)\(token.isEmpty ? "" : " \"\(token)\"")  pair i=\(focus.pair)" : "m=\(focus.position) i=\(focus.pair)"
        var spans = [Span(place, .statusKey)]
        if let turn = session.ropeTurn(focus), turn.pairs.indices.contains(focus.pair) {
            let pair = turn.pairs[focus.pair]
            let angle =
                isWide
                ? "θ=\(number(pair.theta)) rad/tok  m·θ=\(number(pair.angle)) = \(RopeFormulaPane.turns(pair)) turns"
                : "θ=\(Numbers.compact(pair.theta)) m·θ=\(Numbers.compact(pair.angle)) = \(RopeFormulaPane.turns(pair)) turns"
            spans.append(Span("  \(angle)  cos \(Numbers.compact(pair.cos)) sin \(Numbers.compact(pair.sin))", .status))
        } else if session.snapshot?.stepper.isComputed(focus.values.q) != true {
            spans.append(Span("  L\(focus.layer)'s q is not computed yet", .status))
        }
        return Line(spans)
    }

    private static func status(_ session: Session, _ focus: LearnedFocus) -> Line {
        let token = session.textLabel(at: focus.position)
        let number = session.tensor(ValueRef(id: focus.learned.table))?.value(at: [focus.position, focus.feature])
        return [
            Span("\(focus.name) [\(focus.position), \(focus.feature)]", .statusKey),
            Span(" = \(number.map { Numbers.exact(Float($0)) } ?? "?")\(token.isEmpty ? "" : "  added to \"\(token)\"")", .status),
        ]
    }

    private static func number(_ value: Double) -> String { Numbers.compact(value, digits: 4) }

    // MARK: moving

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        if let focus = session.ropeFocus {
            session.moveRope(focus, step)
        } else if let focus = session.learnedFocus {
            session.moveLearned(focus, step)
        }
        return true
    }
}

extension Session {
    fileprivate mutating func moveRope(_ focus: RopeFocus, _ step: Move) {
        switch step {
        case .layer(let by):
            guard let layers = snapshot?.stepper.program.ropeLayers, let at = layers.firstIndex(of: focus.layer) else { return }
            rope.layer = layers[min(max(at + by, 0), layers.count - 1)]
        case .head(let by), .leading(let by): rope.head = min(max(focus.head + by, 0), focus.values.heads - 1)
        default: moveTable((focus.position, focus.pair), Size(focus.context, focus.values.pairs), step)
        }
    }

    fileprivate mutating func moveLearned(_ focus: LearnedFocus, _ step: Move) {
        moveTable((focus.position, focus.feature), focus.source, step)
    }

    /// The cursor over a table of positions (right) and pairs or features (down).
    private mutating func moveTable(_ place: (position: Int, row: Int), _ table: Size, _ step: Move) {
        var (position, row) = place
        switch step {
        case .by(let dx, let dy): (position, row) = (position + dx, row + dy)
        case .pages(let pages): position += Int(64 * pages)
        case .rowStart: position = 0
        case .rowEnd: position = table.width - 1
        case .first: (position, row) = (0, 0)
        case .last: (position, row) = (table.width - 1, table.height - 1)
        case .layer, .head, .leading, .out: return
        }
        rope.position = min(max(position, 0), table.width - 1)
        rope.pair = min(max(row, 0), table.height - 1)
    }
}
