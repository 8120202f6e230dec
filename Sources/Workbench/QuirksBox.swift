import Engine
import Models
import Screen

/// The list of a model's quirks with a mark on what is on, and the story of the selected one.
enum QuirksBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ selection: Int) {
        let listed = session.quirks.listed
        let width = min(96, area.width - 6)
        let details = details(session, listed[safe: selection], width - 2)
        let size = Size(width, min(listed.count + 1 + details.count, area.height - 4))
        let inside = Overlay("Quirks: published mistakes", label: "Space switches  q close", size: size).draw(into: &surface, in: area)
        let rows = max(min(listed.count, inside.height - details.count - 1), 3)
        table(session, listed, selection).draw(into: &surface, in: Rect(inside.x, inside.y, inside.width, rows))
        Prose(lines: details).draw(into: &surface, in: Rect(inside.x, inside.y + rows + 1, inside.width, inside.height - rows - 1))
    }

    private static func table(_ session: Session, _ listed: [Quirk], _ selection: Int) -> TableView {
        let columns = [
            TableView.Column("", width: .fixed(1)), TableView.Column("", width: .fixed(25)), TableView.Column("", width: .rest),
        ]
        return TableView(columns, count: listed.count, selection: selection) { row in
            let isOn = session.quirks.on.contains(listed[row].name)
            return [
                Span(isOn ? QuirkWords.sign : "", .warn), Span(listed[row].name, isOn ? .emphasis : .overlay),
                Span(listed[row].title, .dim),
            ]
        }
    }

    private static func details(_ session: Session, _ quirk: Quirk?, _ width: Int) -> [Line] {
        guard let quirk else { return [Line("none of the published mistakes is of this model", .overlay)] }
        let source = Prose.wrap(quirk.source, width: width, role: .dim)
        let effect = session.quirks.report.map { [Line(QuirkWords.effect($0, session), .emphasis)] } ?? []
        return Prose.wrap(quirk.story, width: width, role: .overlay) + source
            + [[Span("first to differ ", .dim), Span(quirk.first, .overlay)]] + effect
    }
}

/// Quirks in words.
enum QuirkWords {
    /// Before the names of values that a quirk is in.
    static let sign = "✗"

    /// Loss, next token, and what it cost.
    static func effect(_ report: EditReport, _ session: Session) -> String {
        var parts: [String] = []
        if let loss = EditWords.loss(report) { parts.append("loss \(loss)") }
        if let next = EditWords.next(report, session) { parts.append("next \(next)") }
        return (parts + ["\(report.steps) of \(report.total) steps again"]).joined(separator: "  ")
    }
}
