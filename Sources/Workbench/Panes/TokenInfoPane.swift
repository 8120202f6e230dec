import Screen
import Tokenizers

/// What the selected token is, and what the model thought of it before it came.
package enum TokenInfoPane: Pane {
    package static let name = "Token"

    package static func title(_ session: Session) -> String { "Token \(session.tokenIndex)" }
    package static func label(_ session: Session) -> String { session.tokenIDs.isEmpty ? "" : "of \(session.tokenIDs.count)" }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.snapshot == nil ? [] : [session.scoresRequest, session.storiesRequest]
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let id = session.tokenIDs[safe: session.tokenIndex] else { return }
        let lines = vocabulary(session, id, area.width - 2) + [[]] + model(session) + [[]] + text(session)
        for (row, line) in lines.prefix(area.height).enumerated() { surface.put(area.x + 1, area.y + row, line, width: area.width - 2) }
    }

    /// What the vocabulary says.
    private static func vocabulary(_ session: Session, _ id: Int, _ width: Int) -> [Line] {
        guard let tokenizer = session.model?.tokenizer else {
            return [row("id", "\(id)"), Line("the model has no tokenizer: ids only", .warn)]
        }
        guard let bytes = TokenText.bytes(id, model: session.model), let number = Int32(exactly: id) else {
            return [row("id", "\(id)"), Line("the vocabulary has no token of this id", .warn)]
        }
        let isAdded = tokenizer.vocabulary.isAdded(number)
        return [
            row("id", "\(id) of \(tokenizer.vocabularyCount)"), row("text", "\"\(session.tokenLabel(id))\""),
            row("bytes", "\(bytes.count): \(TokenText.hex(bytes, limit: max((width - 16) / 3, 1)))"),
            row("spelling", tokenizer.tokenText(number) ?? ""),
            row("kind", tokenizer.isSpecial(number) ? "special, not text" : isAdded ? "added to the vocabulary" : "of the vocabulary"),
            row(
                "merge",
                merge(session).map { "\($0.rank): \(session.tokenLabel(Int($0.left))) + \(session.tokenLabel(Int($0.right)))" } ?? "none"),
        ]
    }

    /// The merge that made the selected token.
    static func merge(_ session: Session) -> MergeStep? {
        let token = session.tokenIndex
        guard let id = session.tokenIDs[safe: token], let story = session.tokenStories?.story(of: token) else { return nil }
        return story.piece.merges.last { Int($0.result) == id }
    }

    /// What the model said before the token came.
    private static func model(_ session: Session) -> [Line] {
        guard let score = session.tokenScores[safe: session.tokenIndex] ?? nil else {
            return [Line(session.tokenIndex == 0 ? "the first token is given, not predicted" : "its logits have not been computed", .dim)]
        }
        let loss = score.loss.map { "   loss \(Numbers.compact($0))" } ?? ""
        return [
            row("p", "\(Numbers.compact(score.probability))\(loss)", .emphasis),
            row("rank", "\(score.rank)\(score.rank == 1 ? ", the likeliest" : "")"),
            row("entropy", "\(Numbers.compact(score.entropy)) nats before it"),
        ]
    }

    /// What holds for the whole text.
    private static func text(_ session: Session) -> [Line] {
        guard let stories = session.tokenStories, let isSame = stories.isRoundTrip else { return [] }
        let count = session.snapshot.map { max($0.ids.count, 1) } ?? 1
        let rate = Double(session.promptText.utf8.count) / Double(count)
        let same: Line = isSame ? Line("✓ decoding the ids gives the text", .ok) : Line("! decoding the ids gives another text", .warn)
        return [row("", "\(Numbers.compact(rate)) bytes a token"), same]
    }

    private static func row(_ name: String, _ text: String, _ role: Role = .text) -> Line {
        [Span(name.padding(9), .dim), Span(text, role)]
    }
}
