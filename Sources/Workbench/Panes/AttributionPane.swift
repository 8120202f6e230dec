import Foundation
import Screen

/// Gradient × input of each token of the prompt, as the token's ground: which words the loss hangs on.
package enum AttributionPane: Pane {
    package static let name = "Attribution"
    package static func title(_ session: Session) -> String { "grad × input" }

    package static func label(_ session: Session) -> String {
        guard let numbers = numbers(session) else { return "" }
        let sum = numbers.reduce(0, +)
        return Breakpoint(session.size) == .standard
            ? "Σ \(Numbers.signed(sum))" : "summed over features, all \(Numbers.signed(sum))"
    }

    private static func numbers(_ session: Session) -> [Double]? {
        if case .gradient(.attribution(let numbers))? = session.answers[.gradient(.attribution)] { return numbers }
        return nil
    }

    private static func gradient(_ session: Session) -> ValueRef? {
        guard session.isDifferentiated, let program = session.snapshot?.stepper.program, let id = program.tokenEmbedding else { return nil }
        return program.gradient(of: id).map { ValueRef(id: $0) }
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        gradient(session).map { session.isComputed($0) } == true ? [.gradient(.attribution)] : []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard session.snapshot != nil, session.reverseProblem == nil else { return }
        let numbers = gradient(session).map { session.isComputed($0) } == true ? numbers(session) : nil
        let text = Rect(area.x + 1, area.y, area.width - 2, area.height - (area.height >= 5 ? 1 : 0))
        let layout = TokenStripLayout(session, width: text.width)
        let step = (text.height + 1) / max(layout.lines, 1) >= 3 ? 3 : 1
        let first = layout.firstLine(session.tokenIndex, rows: text.height, step: step)
        let scale = scale(numbers ?? [])
        surface.clipped(to: text) { surface in
            for block in layout.blocks where block.line >= first {
                let number = numbers?[safe: block.token]
                let (x, y) = (text.x + block.x, text.y + (block.line - first) * step)
                surface.put(x, y, block.text, width: block.width, align: .center, style: style(number, scale))
                guard step > 1, let number else { continue }
                surface.put(
                    x, y + 1, shown(number, scale, columns: min(block.width, 6)), width: block.width, align: .center,
                    style: .role(.dim))
            }
        }
        if text.height < area.height { drawLegend(numbers, scale, &surface, Rect(text.x, area.bottom - 1, text.width, 1)) }
    }

    /// What is a millionth of the largest is fp32's rounding.
    private static func shown(_ number: Double, _ scale: HeatScale, columns: Int) -> String {
        if number != 0, abs(number) < 1e-6 * scale.hi { return "≈0" }
        return Numbers.fitting(number, columns: columns) ?? ""
    }

    /// As much room below zero as above.
    private static func scale(_ numbers: [Double]) -> HeatScale {
        .symmetric(numbers.filter(\.isFinite).map(abs).max() ?? 1)
    }

    private static func style(_ number: Double?, _ scale: HeatScale) -> Style {
        guard let number else { return .role(.code) }
        return number.isNaN ? .role(.nan) : .onHeat(.diverging, level: scale.level(number))
    }

    private static func drawLegend(_ numbers: [Double]?, _ scale: HeatScale, _ surface: inout Surface, _ area: Rect) {
        guard let numbers else {
            surface.put(area.x, area.y, "known when the walk has reached the embedding", .dim)
            return
        }
        let counts = HeatCounts(nan: numbers.count(where: \.isNaN))
        ColorBar(scale: scale, map: .diverging, counts: counts).draw(into: &surface, in: area)
    }
}
