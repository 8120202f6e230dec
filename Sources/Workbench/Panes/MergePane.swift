import Screen
import Tokenizers

/// How the selected token's piece of the text was merged: a line a step, with the pair that merges next.
package enum MergePane: Pane {
    package static let name = "Merges"

    package static func title(_ session: Session) -> String {
        guard let story = story(session) else { return "Merges" }
        return "Merges of \"\(TokenText.visible(bytes: story.piece.ids.flatMap { TokenText.bytes(Int($0), model: session.model) ?? [] }))\""
    }

    package static func label(_ session: Session) -> String {
        guard let story = story(session), !story.piece.merges.isEmpty else { return "" }
        return "step \(step(session, story))/\(story.piece.merges.count)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.snapshot == nil || session.model?.tokenizer == nil ? [] : [session.storiesRequest]
    }

    private static func story(_ session: Session) -> TokenStories.Story? { session.tokenStories?.story(of: session.tokenIndex) }
    private static func step(_ session: Session, _ story: TokenStories.Story) -> Int {
        min(session.tokens.mergeStep, story.piece.merges.count)
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        let inside = area.inset(1, 0)
        guard let story = story(session), story.piece.kind == .merged else { return drawWhy(session, &surface, inside) }
        let last = story.piece.merges.count
        let selected = step(session, story)
        let isCut = last + 1 > inside.height
        for (line, number) in Scrolling.visible(last + 1, in: inside.height, selection: selected).enumerated() {
            let row = Rect(inside.x, inside.y + line, inside.width - (isCut ? 1 : 0), 1)
            let ground: Role = number != selected ? .text : focused ? .select : .selectDim
            drawStep(session, story.piece, number, &surface, row, ground)
        }
        guard isCut else { return }
        let visible = Scrolling.visible(last + 1, in: inside.height, selection: selected)
        if visible.lowerBound > 0 { surface.put(inside.right - 1, inside.y, "▴", .dim) }
        if visible.upperBound < last + 1 { surface.put(inside.right - 1, inside.bottom - 1, "▾", .dim) }
    }

    /// Step `number`: the symbols before that merge, the pair marked, and its rank; at the end the ids.
    private static func drawStep(
        _ session: Session, _ piece: PreTokenExplanation, _ number: Int, _ surface: inout Surface, _ row: Rect, _ ground: Role
    ) {
        let note = note(piece, number, columns: row.width / 2)
        let room = max(row.width - VisibleText.width(note) - 1, 0)
        let dim: Role = ground == .text ? .dim : ground
        surface.fill(row, ground)
        let count = surface.put(row.x, row.y, "\(number)".padding(String(piece.merges.count).count + 1), dim)
        let symbols = MergeSymbols(session, piece, number, width: room - count, ground)
        surface.put(row.x + count, row.y, symbols.line, width: room - count)
        surface.put(row.right - VisibleText.width(note), row.y, note, dim)
    }

    private static func note(_ piece: PreTokenExplanation, _ number: Int, columns: Int) -> String {
        if let merge = piece.merges[safe: number] { return "rank \(merge.rank)" }
        let ids = (piece.ids.count == 1 ? "id " : "ids ") + piece.ids.map(String.init).joined(separator: " ")
        return VisibleText.width(ids) <= columns ? ids : "\(piece.ids.count) tokens"
    }

    private static func drawWhy(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard session.snapshot != nil else { return }
        for (row, line) in why(session).enumerated() { surface.put(area.x, area.y + row, Line(line, .dim), width: area.width) }
    }

    /// Why there is nothing to merge.
    private static func why(_ session: Session) -> [String] {
        guard session.model?.tokenizer != nil else { return ["no tokenizer, so nothing to merge", session.model?.tokenizerProblem ?? ""] }
        guard session.tokenStories != nil else { return ["…"] }
        switch story(session)?.piece.kind {
        case .addedToken?: return ["cut out of the text as it stands,", "before anything is merged"]
        case .wholeToken?: return ["found whole in the vocabulary:", "nothing was merged"]
        default: return ["not made from text: put here by the", "tokenizer, or given as an id"]
        }
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        switch step {
        case .pages(let pages): session.selectMerge(session.tokens.mergeStep + Int(pages * 8))
        case .first: session.selectMerge(0)
        case .last: session.selectMerge(.max)
        default: return false
        }
        return true
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let story = story(session) else { return }
        let visible = Scrolling.visible(story.piece.merges.count + 1, in: area.height, selection: step(session, story))
        session.selectMerge(visible.lowerBound + point.y - area.y)
    }
}

/// The symbols of a step on one line, the pair that merges next marked; of a long piece the stretch around it.
private struct MergeSymbols {
    let line: Line

    init(_ session: Session, _ piece: PreTokenExplanation, _ step: Int, width: Int, _ ground: Role) {
        let symbols = piece.symbols(after: step).map { session.tokenLabel(Int($0)) }
        let pair = MergeSymbols.pair(piece, step)
        let start = MergeSymbols.start(symbols, pair ?? 0, width)
        var spans = start > 0 ? [Span("… ", ground)] : []
        var used = 2
        for index in start..<symbols.count where used <= width {
            let isPair = index == pair || index - 1 == pair
            // The blank inside the pair belongs to it, so that the two are seen as one.
            spans.append(Span(symbols[index], isPair ? .match : ground, isPair ? [.bold, .underline] : []))
            spans.append(Span(" ", index == pair ? .match : ground, index == pair ? [.bold, .underline] : []))
            used += VisibleText.width(symbols[index]) + 1
        }
        line = Line(spans)
    }

    /// Which of the symbols is the left one of the pair: symbols keep the place they began with.
    private static func pair(_ piece: PreTokenExplanation, _ step: Int) -> Int? {
        guard let merge = piece.merges[safe: step] else { return nil }
        var alive = [Bool](repeating: true, count: piece.symbols.count)
        for done in piece.merges.prefix(step) {
            guard let right = alive.indices.first(where: { $0 > done.place && alive[$0] }) else { continue }
            alive[right] = false
        }
        return alive.prefix(merge.place).count { $0 }
    }

    /// The first symbol to show, so that the pair is in sight.
    private static func start(_ symbols: [String], _ pair: Int, _ width: Int) -> Int {
        let widths = symbols.map { VisibleText.width($0) + 1 }
        guard widths.reduce(-1, +) > width, widths.indices.contains(pair) else { return 0 }
        var room = width - 4 - widths[pair...].prefix(2).reduce(0, +)
        var start = pair
        while start > 0, room >= widths[start - 1] {
            room -= widths[start - 1]
            start -= 1
        }
        return start
    }
}
