import Engine
import Models
import Screen
import Tensors

/// What the Tokens screen reads from the session; nothing here computes.
extension Session {
    package var tokenIDs: [Int] { snapshot?.ids ?? [] }

    /// The selected token of the text.
    package var tokenIndex: Int {
        let last = max(tokenIDs.count - 1, 0)
        return min(max(tokens.token ?? last, 0), last)
    }

    /// The row of this pass's logits that follows the selected token; nil for tokens of earlier passes.
    var tokenRow: Int? {
        guard let snapshot, tokenIndex >= snapshot.past, !snapshot.ids.isEmpty else { return nil }
        return tokenIndex - snapshot.past
    }

    private var hasLogits: Bool {
        guard let stepper = snapshot?.stepper, let logits = stepper.program.id(of: "logits") else { return false }
        return stepper.isComputed(logits)
    }

    // MARK: questions and their answers

    /// Tokens whose logits are there.
    var scoresRequest: Request {
        let past = snapshot?.past ?? 0
        return .scores(count: hasLogits ? tokenIDs.count : past)
    }

    var tokenScores: [TokenScore?] {
        if case .scores(let scores)? = answers[scoresRequest] { return scores }
        return []
    }

    var storiesRequest: Request { .stories(text: promptText) }

    var tokenStories: TokenStories? {
        if case .stories(let stories)? = answers[storiesRequest] { return stories }
        return nil
    }

    static let predictionsRequest = Request.predictions(count: 24)

    /// The likeliest tokens after the selected one.
    var nextTokens: TokenRanking? {
        guard hasLogits, let row = tokenRow, case .predictions(let rankings)? = answers[Session.predictionsRequest] else { return nil }
        return rankings[safe: row]
    }

    /// The token that came after a place of the text.
    func tokenAfter(_ token: Int) -> Int? { tokenIDs[safe: token + 1] }

    // MARK: the lens

    /// The residuals that the lens reads, in running order.
    var lensStreams: [Int] { snapshot.map { LogitLens.streams($0.stepper.program) } ?? [] }

    var lensRow: Int {
        let last = max(lensStreams.count - 1, 0)
        return min(max(tokens.layer ?? last, 0), last)
    }

    /// The residual of the selected row.
    var lensStream: Int? { lensStreams[safe: lensRow] }

    /// Whether all residuals of the pass are there.
    var hasLens: Bool { lensStreams.last.map { snapshot?.stepper.isComputed($0) ?? false } ?? false }

    // MARK: moving

    mutating func selectToken(_ token: Int) {
        let last = max(tokenIDs.count - 1, 0)
        let index = min(max(token, 0), last)
        if index != tokenIndex { (tokens.mergeStep, tokens.choice) = (0, 0) }
        tokens.token = index == last ? nil : index
    }

    mutating func selectMerge(_ step: Int) {
        let last = tokenStories?.story(of: tokenIndex)?.piece.merges.count ?? 0
        tokens.mergeStep = min(max(step, 0), last)
    }

    mutating func selectLensRow(_ row: Int) {
        let last = max(lensStreams.count - 1, 0)
        let index = min(max(row, 0), last)
        tokens.layer = index == last ? nil : index
    }
}
