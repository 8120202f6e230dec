import Screen
import Training

/// A row of the batch, token by token: whether it counts in the loss and why not, its loss, and what was padded, cut off and packed.
package enum TrainBatchPane: Pane {
    package static let name = "Batch"

    package static func title(_ session: Session) -> String {
        guard let training = session.training, !training.rows.isEmpty else { return "Batch" }
        let of = training.walk.map { "step \($0.step)" } ?? "step \(training.step)"
        return "Batch of \(of), row \(session.batchRow + 1) of \(training.rows.count)"
    }

    package static func label(_ session: Session) -> String {
        guard let row = session.batch.map({ LabelRow($0, nil) }) else { return "" }
        let place = row.place(isText: session.training?.data.hasSuffix(".txt") == true)
        return ["\(row.counted) of \(row.ids.count) count", row.changes, place].filter { !$0.isEmpty }.joined(separator: "  ")
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.training == nil ? [] : session.labelRequests
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let strip = strip(session, area) else {
            let why = session.training == nil ? "" : "the batch is drawn with the first step"
            surface.put(area.x + 1, area.y, Line(why, .dim), width: area.width - 2)
            return
        }
        strip.draw(&surface, textArea(area))
        surface.put(area.x + 1, area.bottom - 1, strip.legend, width: area.width - 2)
    }

    private static func textArea(_ area: Rect) -> Rect { Rect(area.x + 1, area.y, area.width - 2, area.height - 1) }

    private static func strip(_ session: Session, _ area: Rect) -> LabelStrip? {
        guard session.training != nil, let row = session.labels else { return nil }
        return LabelStrip(session, row, selected: session.batchToken, width: area.width - 2)
    }

    /// The selected token in full.
    static func status(_ session: Session) -> Line? {
        guard let row = session.labels, let id = row.ids[safe: session.labelToken] else { return nil }
        return row.status(session.labelToken, label: session.tokenLabel(id))
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        switch step {
        case .by(let dx, let dy):
            session.selectLabel(row: session.train.row + dy, token: session.labelToken + dx)
        case .pages(let pages): session.selectLabel(row: session.train.row, token: session.labelToken + Int(pages * 16))
        case .rowStart, .first: session.selectLabel(row: session.train.row, token: 0)
        case .rowEnd, .last: session.selectLabel(row: session.train.row, token: .max)
        case .layer(let by): session.selectLabel(row: session.train.row + by, token: session.labelToken)
        case .head, .leading, .out: break
        }
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let token = strip(session, area)?.hit(point, textArea(area)) else { return }
        session.selectLabel(row: session.train.row, token: token)
    }
}

extension Session {
    /// The row of the batch that is shown.
    var batchRow: Int {
        let count = training?.rows.count ?? 0
        if let walk = training?.walk, walk.isRow { return walk.stage }
        return min(max(train.row, 0), max(count - 1, 0))
    }

    var batch: BatchRow? { training?.rows[safe: batchRow] }

    var batchToken: Int {
        let token = train.token ?? batch?.roles.firstIndex(of: .counts) ?? 0
        return min(max(token, 0), max((batch?.ids.count ?? 1) - 1, 0))
    }

    var batchRowRequest: Request {
        let stepper = snapshot?.stepper
        let loss = stepper?.program.id(of: "loss.tokens")
        return .batchRow(walked: loss.map { stepper?.isComputed($0) == true } ?? false)
    }

    /// What the loss reads of the row, in a walk.
    var batchReading: BatchRowReading? {
        guard training?.walk?.isRow == true, case .batchRow(let reading)? = answers[batchRowRequest] else { return nil }
        return reading
    }

    mutating func selectBatch(row: Int, token: Int) {
        let next = min(max(row, 0), max((training?.rows.count ?? 1) - 1, 0))
        let isOther = next != train.row
        train.row = next
        train.token = isOther ? nil : min(max(token, 0), max((batch?.ids.count ?? 1) - 1, 0))
    }
}
