import Foundation
import Screen
import Training

/// The Tokens screen's own view of a row as its loss reads it: the batch's if a finetune is open, else the prompt's.
package enum TokenLabelsPane: Pane {
    package static let name = "Labels"

    package static func title(_ session: Session) -> String {
        session.training == nil ? "What the loss reads of the prompt" : TrainBatchPane.title(session)
    }

    package static func label(_ session: Session) -> String {
        guard let row = session.labels else { return "" }
        let parts = [
            "\(row.counted) of \(row.ids.count) count", row.changes, row.meanLoss.map { "loss \(Numbers.compact($0, digits: 4))" } ?? "",
        ]
        return parts.filter { !$0.isEmpty }.joined(separator: "  ")
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { session.labelRequests }

    private static func textArea(_ area: Rect) -> Rect { Rect(area.x + 1, area.y, area.width - 2, area.height - 1) }

    private static func strip(_ session: Session, _ area: Rect) -> LabelStrip? {
        session.labels.map { LabelStrip(session, $0, selected: session.labelToken, width: area.width - 2, step: 3) }
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let strip = strip(session, area) else {
            let why = session.training == nil ? "no text yet — p edits the prompt" : "the batch is drawn with the first step"
            surface.put(area.x + 1, area.y, Line(why, .dim), width: area.width - 2)
            return
        }
        strip.draw(&surface, textArea(area))
        surface.put(area.x + 1, area.bottom - 1, strip.legend, width: area.width - 2)
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let token = strip(session, area)?.hit(point, textArea(area)) else { return }
        session.selectLabel(row: session.train.row, token: token)
    }
}

/// The rows of the batch and what was done to each.
package enum TokenRowsPane: Pane {
    package static let name = "Rows"
    package static func title(_ session: Session) -> String { "Rows" }

    package static func label(_ session: Session) -> String {
        guard let epoch = session.training?.report.epoch, epoch.rows > 0 else { return "" }
        return "epoch: \(epoch.rows) rows, \(epoch.padded) padded, \(epoch.packed) packed"
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        table(session, focused).draw(into: &surface, in: area.inset(1, 0))
    }

    private static func table(_ session: Session, _ focused: Bool) -> TableView {
        let numbers = ["tokens", "count", "padded", "cut", "packed"].map {
            TableView.Column($0, width: .fixed(6), align: .right)
        }
        let columns =
            [TableView.Column("row", width: .fixed(3), align: .right)] + numbers
            + [TableView.Column("loss", width: .fixed(6), align: .right), TableView.Column("  lines", width: .rest)]
        let selection = session.training == nil ? 0 : session.batchRow
        return TableView(columns, count: session.labelCount, selection: selection, isFocused: focused) { spans(session, $0) }
    }

    private static func spans(_ session: Session, _ number: Int) -> [Span] {
        guard let row = session.labelRow(number) else { return [] }
        let sign = { (count: Int) in Span(count == 0 ? "–" : "\(count)", count == 0 ? .dim : .warn) }
        return [
            Span("\(number + 1)", .emphasis), Span("\(row.ids.count - row.padding)", .text), Span("\(row.counted)", .text),
            sign(row.padding),
            sign(row.cut), sign(row.documents > 1 ? row.documents : 0),
            Span(row.meanLoss.map { Numbers.fixed($0, decimals: 3) } ?? "–", .text),
            Span("  " + row.place(isText: session.training?.data.hasSuffix(".txt") == true), .dim),
        ]
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool { TrainBatchPane.move(&session, step) }
}

/// The selected token: its label, and what the loss makes of it.
package enum TokenLabelPane: Pane {
    package static let name = "Label"
    package static func title(_ session: Session) -> String { "Token \(session.labelToken)" }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let row = session.labels, let id = row.ids[safe: session.labelToken] else { return }
        for (number, line) in lines(session, row, id).prefix(area.height).enumerated() {
            surface.put(area.x + 1, area.y + number, line, width: area.width - 2)
        }
    }

    private static func lines(_ session: Session, _ row: LabelRow, _ id: Int) -> [Line] {
        let token = session.labelToken
        let named = { (name: String, text: String, role: Role) -> Line in [Span(name.padding(8), .dim), Span(text, role)] }
        var lines = [
            named("id", "\(id)  \"\(session.tokenLabel(id))\"", .text),
            named("role", row.roles[token] == .counts ? "counts" : "does not count: \(row.roles[token].name)", .text),
        ]
        guard token < row.counts.count else {
            return lines + [Line(row.roles[token] == .padding ? "no token of padding goes through the model" : "not read yet", .dim)]
        }
        // Entry t of the targets is the label of token t + 1.
        let place = token > 0 ? "targets[\(token - 1)] = " : "no target: "
        lines.append(named("label", place + (row.counts[token] ? "\(id)" : token > 0 ? "−100" : "nothing comes before it"), .text))
        guard let loss = row.losses[safe: token] ?? nil else { return lines }
        return lines + [
            named("loss", "\(Numbers.exact(loss))  nats", .emphasis),
            named("p", "\(Numbers.compact(TokenLabelPane.probability(loss), digits: 5))  = e^−loss", .emphasis),
            named("share", row.meanLoss.map { _ in share(row, loss) } ?? "", .text),
        ]
    }

    /// Of the row's summed loss.
    private static func share(_ row: LabelRow, _ loss: Float) -> String {
        let sum = row.losses.reduce(0) { $0 + Double($1 ?? 0) }
        return sum > 0 ? "\(Numbers.fixed(100 * Double(loss) / sum, decimals: 1)) % of the row" : "–"
    }

    static func probability(_ loss: Float) -> Double { exp(-Double(loss)) }
}

extension Session {
    /// Whether the Tokens screen shows what the loss reads: as chosen, else while a finetune is open.
    var showsLabels: Bool { tokens.labels ?? (training?.rows.isEmpty == false) }
}
