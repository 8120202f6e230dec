import Models
import Screen

/// Where the tokens of a text stand: block after block, in lines that fold at the width. Of a very long text only a stretch around the
/// selection is laid out.
struct TokenStripLayout {
    struct Block {
        let token: Int
        let text: String
        let x: Int
        let line: Int
        let width: Int
    }

    private(set) var blocks: [Block] = []
    private(set) var lines = 0
    /// Whether tokens lie before the first block, or behind the last.
    let isCutBefore: Bool
    let isCutBehind: Bool
    private static let stretch = 512

    init(_ session: Session, width: Int) {
        let ids = session.tokenIDs
        let start = max(0, session.tokenIndex / Self.stretch * Self.stretch - Self.stretch / 2)
        let end = min(ids.count, start + 2 * Self.stretch)
        (isCutBefore, isCutBehind) = (start > 0, end < ids.count)
        var x = 0
        for token in start..<end {
            let text = Self.label(ids[token], session.model, width)
            let wide = min(max(VisibleText.width(text), String(ids[token]).utf8.count) + 2, max(width, 1))
            if x > 0, x + wide > width { (x, lines) = (0, lines + 1) }
            blocks.append(Block(token: token, text: text, x: x, line: lines, width: wide))
            x += wide + 1
        }
        if !blocks.isEmpty { lines += 1 }
    }

    /// A token longer than a line is cut; the details have all of it.
    private static func label(_ id: Int, _ model: Model?, _ width: Int) -> String {
        VisibleText.cut(model?.tokenizer == nil ? "\(id)" : TokenText.label(id, model: model), to: max(width - 2, 1))
    }

    func line(of token: Int) -> Int { blocks.first { $0.token == token }?.line ?? 0 }

    /// The first line to show of `height` rows, with `step` rows a line.
    func firstLine(_ selected: Int, rows: Int, step: Int) -> Int {
        Scrolling.visible(lines, in: max(rows / step, 1), selection: line(of: selected)).lowerBound
    }
}
