import Engine
import Screen

/// The likeliest tokens after the selected one, with the one that came.
package enum TokenNextPane: Pane {
    package static let name = "Next"

    package static func title(_ session: Session) -> String {
        guard let id = session.tokenIDs[safe: session.tokenIndex] else { return "Next token" }
        let sign = session.formatSign(among: [session.value(named: "logits")?.id].compactMap(\.self))
        return "\(sign)Next after \"\(session.tokenLabel(id))\""
    }

    package static func label(_ session: Session) -> String {
        session.nextTokens.map { "entropy \(Numbers.compact($0.entropy)) nats" } ?? ""
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.snapshot == nil ? [] : [Session.predictionsRequest, session.scoresRequest]
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        let inside = area.inset(1, 0)
        guard let ranking = session.nextTokens else { return drawNothing(session, &surface, inside) }
        let came = session.tokenAfter(session.tokenIndex)
        let isListed = came.map { id in ranking.top.contains { $0.id == id } } ?? true
        let list = Rect(inside.x, inside.y, inside.width, inside.height - (isListed ? 0 : 1))
        let items = ranking.top.map { item($0, session, came: came) }
        Bars(
            items, full: 1, selection: focused ? choice(session, ranking) : came.flatMap { id in ranking.top.firstIndex { $0.id == id } },
            isFocused: focused
        )
        .draw(into: &surface, in: list)
        if !isListed, let came { drawCame(session, came, &surface, Rect(inside.x, list.bottom, inside.width, 1)) }
    }

    private static func choice(_ session: Session, _ ranking: TokenRanking) -> Int {
        min(session.tokens.choice, max(ranking.top.count - 1, 0))
    }

    private static func item(_ entry: TokenRanking.Entry, _ session: Session, came: Int?) -> Bars.Item {
        let isCame = entry.id == came
        return Bars.Item(
            (isCame ? "▸" : " ") + session.tokenLabel(entry.id), Double(entry.probability), text: probability(entry.probability),
            role: isCame ? .accent : .text)
    }

    private static func probability(_ p: Float) -> String {
        p < 0.0005 ? Numbers.compact(p, digits: 2) : Numbers.fitting(Double(p), columns: 5) ?? ""
    }

    /// The token that came is none of the likeliest: it gets a line of its own.
    private static func drawCame(_ session: Session, _ id: Int, _ surface: inout Surface, _ area: Rect) {
        let label = "▸\(session.tokenLabel(id)) came"
        guard let score = session.tokenScores[safe: session.tokenIndex + 1] ?? nil else {
            surface.put(area.x, area.y, Line(label, .accent), width: area.width)
            return
        }
        let text = probability(score.probability)
        surface.put(area.x, area.y, Line("\(label), rank \(score.rank)", .accent), width: area.width - text.count - 1)
        surface.put(area.right - text.count, area.y, text, .dim)
    }

    private static func drawNothing(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard let snapshot = session.snapshot else { return }
        let isEarlier = session.tokenRow == nil
        let why = isEarlier ? "token \(session.tokenIndex) lies in the cache" : "the logits have not been computed"
        surface.put(area.x, area.y, Line(why, .dim), width: area.width)
        let what = isEarlier ? "this pass began at token \(snapshot.past); < goes back a pass" : "Space runs on, s steps one op"
        surface.put(area.x, area.y + 1, Line(what, .hint), width: area.width)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard case .by(_, let dy) = step, dy != 0, let ranking = session.nextTokens else { return false }
        session.tokens.choice = min(max(choice(session, ranking) + dy, 0), max(ranking.top.count - 1, 0))
        return true
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let ranking = session.nextTokens else { return }
        let first = Scrolling.visible(ranking.top.count, in: area.height, selection: choice(session, ranking)).lowerBound
        session.tokens.choice = min(max(first + point.y - area.y, 0), max(ranking.top.count - 1, 0))
    }
}
