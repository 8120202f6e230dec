import Foundation
import Screen

/// The text in tokens, each over its id; the ground tells how likely the model found it, or how open the choice was.
package enum TokenStripPane: Pane {
    package static let name = "Tokens"
    package static func title(_ session: Session) -> String { "Tokens" }

    package static func label(_ session: Session) -> String {
        guard session.snapshot != nil else { return "" }
        let count = session.tokenIDs.count
        guard session.model?.tokenizer != nil else { return "\(count) ids, no tokenizer" }
        let text = session.promptText.isEmpty ? "\(count) tokens" : "\(session.promptText.unicodeScalars.count) chars → \(count) tokens"
        return "\(text)   · space   ⏎ newline   colour: \(session.tokens.colour.rawValue)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.snapshot == nil ? [] : [session.scoresRequest, session.storiesRequest]
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.snapshot != nil else { return drawNothing(session, &surface, area) }
        let text = textArea(session, area)
        let layout = TokenStripLayout(session, width: text.width)
        let step = lineHeight(layout, text)
        let first = layout.firstLine(session.tokenIndex, rows: text.height, step: step)
        let faces = Faces(session)
        surface.clipped(to: text) { surface in
            for block in layout.blocks where block.line >= first {
                let (x, y) = (text.x + block.x, text.y + (block.line - first) * step)
                draw(block, x, y, &surface, faces, session)
                guard step > 3, let number = faces.number(block.token) else { continue }
                surface.put(
                    x, y + 2, Numbers.fitting(number, columns: min(block.width, 5)) ?? "", width: block.width, align: .center,
                    style: .role(.dim))
            }
        }
        if first > 0 || layout.isCutBefore { surface.put(area.right - 1, text.y, "▴", .dim) }
        if layout.lines - first > max(text.height / step, 1) || layout.isCutBehind {
            surface.put(area.right - 1, text.bottom - 1, "▾", .dim)
        }
        if text.height < area.height { drawLegend(faces, &surface, Rect(text.x, area.bottom - 1, text.width, 1)) }
    }

    private static func drawNothing(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        surface.put(
            area.x + 1, area.y, Line(session.model == nil ? "no model is open — :open PATH" : "no text yet — p edits the prompt", .dim),
            width: area.width - 2)
    }

    /// Where the blocks go; the last row is left for the colours if there is room.
    private static func textArea(_ session: Session, _ area: Rect) -> Rect {
        let legend = area.height >= 5 && session.tokens.colour != .none ? 1 : 0
        return Rect(area.x + 1, area.y, area.width - 2, area.height - legend)
    }

    /// Rows a line of blocks takes: the text and its id, and where there is room the number behind the colour and a blank.
    private static func lineHeight(_ layout: TokenStripLayout, _ area: Rect) -> Int {
        let room = (area.height + 1) / max(layout.lines, 1)
        return min(max(room, 2), 4)
    }

    private static func draw(
        _ block: TokenStripLayout.Block, _ x: Int, _ y: Int, _ surface: inout Surface, _ faces: Faces, _ session: Session
    ) {
        let isSelected = block.token == session.tokenIndex
        let style = faces.style(block.token)
        let attributes: Attributes = isSelected ? [.bold, .underline] : []
        surface.put(x, y, block.text, width: block.width, align: .center, style: style, attributes: attributes)
        if isSelected {
            surface.put(x, y, "[", style: style, attributes: .bold)
            surface.put(x + block.width - 1, y, "]", style: style, attributes: .bold)
        }
        guard session.model?.tokenizer != nil else { return }
        surface.put(
            x, y + 1, "\(session.tokenIDs[block.token])", width: block.width, align: .center, style: .role(isSelected ? .accent : .dim))
    }

    private static func drawLegend(_ faces: Faces, _ surface: inout Surface, _ area: Rect) {
        ColorBar(scale: faces.scale, map: .sequential, counts: faces.counts).draw(into: &surface, in: area)
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        let text = textArea(session, area)
        let layout = TokenStripLayout(session, width: text.width)
        let step = lineHeight(layout, text)
        let line = layout.firstLine(session.tokenIndex, rows: text.height, step: step) + (point.y - text.y) / step
        let x = point.x - text.x
        if let hit = layout.blocks.first(where: { $0.line == line && x >= $0.x && x < $0.x + $0.width }) { session.selectToken(hit.token) }
    }
}

/// The styles of tokens by what the engine said of them.
private struct Faces {
    private let scores: [TokenScore?]
    private let colour: TokensView.Colour
    let scale: HeatScale

    init(_ session: Session) {
        scores = session.tokenScores
        colour = session.tokens.colour
        let vocabulary = Double(max(session.model?.settings.vocabulary ?? 2, 2))
        scale = HeatScale(lo: 0, hi: colour == .entropy ? log(vocabulary) : 1)
    }

    func style(_ token: Int) -> Style {
        guard let number = number(token) else { return .role(.code) }
        return number.isNaN ? .role(.nan) : .onHeat(.sequential, level: scale.level(number))
    }

    func number(_ token: Int) -> Double? {
        guard let score = scores[safe: token] ?? nil else { return nil }
        switch colour {
        case .none: return nil
        case .probability: return Double(score.probability)
        case .entropy: return score.entropy
        }
    }

    var counts: HeatCounts { HeatCounts(nan: scores.indices.count { number($0)?.isNaN ?? false }) }
}
