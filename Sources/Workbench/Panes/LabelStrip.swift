import Foundation
import Screen
import Training

/// The tokens of a row with what the loss makes of them: whether each counts, its loss, its probability.
struct LabelStrip {
    private let row: LabelRow
    private let selected: Int
    /// Rows of the screen that a line of tokens takes: the token, its sign or loss, and where there is room its probability.
    private let step: Int
    private(set) var blocks: [TokenStripLayout.Block] = []
    private var lines = 0
    /// What stands behind the last token of a row that was cut.
    private static let cut = -1

    init(_ session: Session, _ row: LabelRow, selected: Int, width: Int, step: Int = 2) {
        (self.row, self.selected, self.step) = (row, selected, step)
        var x = 0
        for (token, id) in row.ids.enumerated() {
            let text = VisibleText.cut(session.tokenLabel(id), to: max(width - 2, 1))
            place(token, text, &x, width)
            if row.cut > 0, token == row.last { place(Self.cut, "\(row.cut) cut off", &x, width) }
        }
        if !blocks.isEmpty { lines += 1 }
    }

    private mutating func place(_ token: Int, _ text: String, _ x: inout Int, _ width: Int) {
        let wide = min(max(VisibleText.width(text) + 2, 6), max(width, 1))
        if x > 0, x + wide > width { (x, lines) = (0, lines + 1) }
        blocks.append(TokenStripLayout.Block(token: token, text: text, x: x, line: lines, width: wide))
        x += wide + 1
    }

    private func firstLine(_ height: Int) -> Int {
        let line = blocks.first { $0.token == selected }?.line ?? 0
        return Scrolling.visible(lines, in: max(height / step, 1), selection: line).lowerBound
    }

    func draw(_ surface: inout Surface, _ area: Rect) {
        let first = firstLine(area.height)
        surface.clipped(to: area) { surface in
            for block in blocks where block.line >= first {
                draw(block, area.x + block.x, area.y + step * (block.line - first), &surface)
            }
        }
    }

    private func draw(_ block: TokenStripLayout.Block, _ x: Int, _ y: Int, _ surface: inout Surface) {
        guard block.token != Self.cut else { return _ = surface.put(x, y, Line(block.text, .warn), width: block.width) }
        let face = LabelFace(row, block.token)
        let isSelected = block.token == selected
        let attributes: Attributes = isSelected ? [.bold, .underline] : []
        surface.put(x, y, block.text, width: block.width, align: .center, style: face.style, attributes: attributes)
        if isSelected {
            surface.put(x, y, "[", style: face.style, attributes: .bold)
            surface.put(x + block.width - 1, y, "]", style: face.style, attributes: .bold)
        }
        let below = Style.role(isSelected ? .accent : .dim)
        surface.put(x, y + 1, face.sign(columns: block.width), width: block.width, align: .center, style: below)
        guard step > 2, let probability = face.probability else { return }
        let text = probability < 0.0005 ? Numbers.compact(probability, digits: 1) : Numbers.fitting(probability, columns: 5) ?? ""
        surface.put(x, y + 2, text, width: block.width, align: .center, style: below)
    }

    /// The token under a point of `area`.
    func hit(_ point: Point, _ area: Rect) -> Int? {
        let line = firstLine(area.height) + (point.y - area.y) / step
        let x = point.x - area.x
        return blocks.first { $0.line == line && x >= $0.x && x < $0.x + $0.width && $0.token != Self.cut }?.token
    }

    /// What the signs mean, of those that are there.
    var legend: Line {
        let roles = TokenRole.allCases.filter { role in role != .counts && row.roles.contains(role) }
        let loss = step > 2 ? "below a token its loss and its probability" : "the number: its loss"
        let counts = row.losses.isEmpty ? "\(LabelFace.sign(.counts)) counts" : loss
        return Line(([counts] + roles.map { "\(LabelFace.sign($0)) \($0.name)" }).joined(separator: "   "), .dim)
    }
}

/// How a token looks: by its role, and by its loss once it is known.
private struct LabelFace {
    private let role: TokenRole
    private let loss: Float?
    private static let scale = HeatScale(lo: 0, hi: 1)

    init(_ row: LabelRow, _ token: Int) {
        role = row.roles[safe: token] ?? .padding
        loss = row.losses[safe: token] ?? nil
    }

    var probability: Double? { loss.map { exp(-Double($0)) } }

    /// As on the Tokens screen, the ground is the probability.
    var style: Style {
        if let probability { return probability.isFinite ? .onHeat(.sequential, level: Self.scale.level(probability)) : .role(.nan) }
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

extension LabelRow {
    /// A token in full, for the status line.
    func status(_ token: Int, label: String) -> Line {
        guard let id = ids[safe: token] else { return [] }
        var spans = [Span("token \(token)  \"\(label)\"", .statusKey), Span("  \(roles[token].name)", .status)]
        guard token < counts.count else { return Line(spans) }
        spans.append(Span(counts[token] ? "  label \(id)" : "  label −100", .status))
        if let loss = losses[safe: token] ?? nil {
            spans.append(
                Span("  loss \(Numbers.compact(loss, digits: 5))  p \(Numbers.compact(exp(-Double(loss)), digits: 4))", .statusKey))
        }
        return Line(spans)
    }
}
