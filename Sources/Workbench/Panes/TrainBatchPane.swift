import Foundation
import Screen
import Training

/// A row of the batch, token by token: whether it counts in the loss and why not, and in a walk its loss.
package enum TrainBatchPane: Pane {
    package static let name = "Batch"

    package static func title(_ session: Session) -> String {
        guard let training = session.training, !training.rows.isEmpty else { return "Batch" }
        let of = training.walk.map { "step \($0.step)" } ?? "step \(training.step)"
        return "Batch of \(of), row \(session.batchRow + 1) of \(training.rows.count)"
    }

    package static func label(_ session: Session) -> String {
        guard let row = session.batch else { return "" }
        let lines = row.lines.prefix(3).map(String.init).joined(separator: ", ")
        return "\(row.counted) of \(row.ids.count) count   \(session.training?.data.hasSuffix(".txt") == true ? "block" : "line") \(lines)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.training?.walk?.isRow == true ? [session.batchRowRequest] : []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let row = session.batch else {
            surface.put(
                area.x + 1, area.y, Line(session.training == nil ? "" : "the batch is drawn with the first step", .dim),
                width: area.width - 2)
            return
        }
        let reading = session.batchReading
        let text = Rect(area.x + 1, area.y, area.width - 2, area.height - 1)
        let blocks = BatchStrip(session, row, width: text.width)
        let first = blocks.firstLine(session.batchToken, rows: text.height)
        surface.clipped(to: text) { surface in
            for block in blocks.blocks where block.line >= first {
                let face = BatchFace(row, reading, block.token)
                let (x, y) = (text.x + block.x, text.y + 2 * (block.line - first))
                let isSelected = block.token == session.batchToken
                surface.put(
                    x, y, block.text, width: block.width, align: .center, style: face.style,
                    attributes: isSelected ? [.bold, .underline] : [])
                if isSelected {
                    surface.put(x, y, "[", style: face.style, attributes: .bold)
                    surface.put(x + block.width - 1, y, "]", style: face.style, attributes: .bold)
                }
                surface.put(
                    x, y + 1, face.sign(columns: block.width), width: block.width, align: .center,
                    style: .role(isSelected ? .accent : .dim))
            }
        }
        surface.put(area.x + 1, area.bottom - 1, legend(row, reading), width: area.width - 2)
    }

    private static func legend(_ row: BatchRow, _ reading: BatchRowReading?) -> Line {
        let roles = TokenRole.allCases.filter { role in role != .counts && row.roles.contains(role) }
        let known = reading?.losses.isEmpty == false
        let counts = known ? "the number: its loss" : "\(BatchFace.sign(.counts)) counts"
        return Line(([counts] + roles.map { "\(BatchFace.sign($0)) \($0.name)" }).joined(separator: "   "), .dim)
    }

    /// The selected token in full.
    static func status(_ session: Session) -> Line? {
        guard let row = session.batch, let id = row.ids[safe: session.batchToken] else { return nil }
        let token = session.batchToken
        var spans = [Span("token \(token)  \"\(session.tokenLabel(Int(id)))\"", .statusKey), Span("  \(row.roles[token].name)", .status)]
        guard let reading = session.batchReading, token < reading.ids.count else { return Line(spans) }
        spans.append(Span(reading.counts[token] ? "  label \(id)" : "  label −100", .status))
        if let loss = reading.losses[safe: token] ?? nil {
            spans.append(
                Span("  loss \(Numbers.compact(loss, digits: 5))  p \(Numbers.compact(exp(-Double(loss)), digits: 4))", .statusKey))
        }
        return Line(spans)
    }

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        switch step {
        case .by(let dx, let dy):
            session.selectBatch(row: session.train.row + dy, token: session.batchToken + dx)
        case .pages(let pages): session.selectBatch(row: session.train.row, token: session.batchToken + Int(pages * 16))
        case .rowStart, .first: session.selectBatch(row: session.train.row, token: 0)
        case .rowEnd, .last: session.selectBatch(row: session.train.row, token: .max)
        case .layer(let by): session.selectBatch(row: session.train.row + by, token: session.batchToken)
        case .head, .leading, .out: break
        }
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let row = session.batch else { return }
        let strip = BatchStrip(session, row, width: area.width - 2)
        let line = strip.firstLine(session.batchToken, rows: area.height - 1) + (point.y - area.y) / 2
        let x = point.x - area.x - 1
        if let hit = strip.blocks.first(where: { $0.line == line && x >= $0.x && x < $0.x + $0.width }) {
            session.selectBatch(row: session.train.row, token: hit.token)
        }
    }
}

/// Where the tokens of a row stand, in lines that fold at the width.
private struct BatchStrip {
    private(set) var blocks: [TokenStripLayout.Block] = []
    private var lines = 0

    init(_ session: Session, _ row: BatchRow, width: Int) {
        var x = 0
        for (token, id) in row.ids.enumerated() {
            let text = VisibleText.cut(session.tokenLabel(Int(id)), to: max(width - 2, 1))
            let wide = min(max(VisibleText.width(text) + 2, 6), max(width, 1))
            if x > 0, x + wide > width { (x, lines) = (0, lines + 1) }
            blocks.append(TokenStripLayout.Block(token: token, text: text, x: x, line: lines, width: wide))
            x += wide + 1
        }
        if !blocks.isEmpty { lines += 1 }
    }

    func firstLine(_ selected: Int, rows: Int) -> Int {
        Scrolling.visible(lines, in: max(rows / 2, 1), selection: blocks[safe: selected]?.line ?? 0).lowerBound
    }
}

/// How a token looks: by its role, and by its loss once it is known.
private struct BatchFace {
    private let role: TokenRole
    private let loss: Float?
    private static let scale = HeatScale(lo: 0, hi: 1)

    init(_ row: BatchRow, _ reading: BatchRowReading?, _ token: Int) {
        role = row.roles[safe: token] ?? .padding
        loss = reading?.losses[safe: token] ?? nil
    }

    /// As on the Tokens screen, the ground is the probability.
    var style: Style {
        if let loss { return loss.isFinite ? .onHeat(.sequential, level: Self.scale.level(exp(-Double(loss)))) : .role(.nan) }
        return .role(role == .counts ? .code : .masked)
    }

    func sign(columns: Int) -> String {
        loss.map { Numbers.fitting(Double($0), columns: min(columns, 5)) ?? "" } ?? Self.sign(role)
    }

    static func sign(_ role: TokenRole) -> String {
        switch role {
        case .counts: "●"
        case .boundary: "┤"
        case .prompt: "p"
        case .template: "t"
        case .label: "×"
        case .padding: "_"
        }
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
