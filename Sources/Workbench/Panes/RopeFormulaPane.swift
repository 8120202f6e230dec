import Engine
import Screen

/// The rotation of one pair with its numbers.
package enum RopeFormulaPane: Pane {
    package static let name = "Formula"
    package static func title(_ session: Session) -> String { "Formula" }

    package static func label(_ session: Session) -> String {
        guard let focus = session.ropeFocus else { return "" }
        return focus.values.interleaved ? "neighbours" : "halves"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { session.ropeFocus.map { session.ropeRequests($0) } ?? [] }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let focus = session.ropeFocus, let turn = session.ropeTurn(focus), turn.pairs.indices.contains(focus.pair) else { return }
        let isWide = area.width >= 44
        let lines = isWide ? long(focus, turn) : short(focus, turn)
        for (row, line) in lines.prefix(area.height).enumerated() { surface.put(area.x + 1, area.y + row, line, width: area.width - 2) }
    }

    private static func long(_ focus: RopeFocus, _ turn: RopeTurn) -> [Line] {
        let pair = turn.pairs[focus.pair]
        let (i, j) = focus.values.dimensions(of: focus.pair)
        let angle = "m·θ = \(focus.position) · \(number(pair.theta)) = \(number(pair.angle)) rad = \(turns(pair)) turns"
        let (x, y, cos, sin) = (pair.before[0], pair.before[1], pair.cos, pair.sin)
        let first = equation("x′\(low(i)) = x\(low(i))·cos mθ − x\(low(j))·sin mθ", [x, cos, -y, sin], pair.after[0])
        let second = equation("x′\(low(j)) = x\(low(j))·cos mθ + x\(low(i))·sin mθ", [y, cos, x, sin], pair.after[1])
        return theta(focus, pair) + [Line(angle, .formula), []] + first + second + [[], norm(turn)]
    }

    private static func theta(_ focus: RopeFocus, _ pair: RopeTurn.Pair) -> [Line] {
        guard let source = focus.values.source else { return [Line("θ\(low(focus.pair)) = \(number(pair.theta))", .formula)] }
        let start = "θ\(low(focus.pair)) = base^(−2i/d) = \(Numbers.label(source.base))^(−\(2 * focus.pair)/\(source.dimensions))"
        switch source.scaling {
        case .none: return [Line("\(start) = \(number(pair.theta))", .formula)]
        case .linear(let factor): return [Line("\(start) / \(Numbers.label(factor)) = \(number(pair.theta))", .formula)]
        case .llama3(let factor, _, _, let context):
            return [
                Line(start, .formula),
                Line("slow pairs / \(Numbers.label(factor)), for a text of \(Numbers.label(context)): \(number(pair.theta))", .formula),
            ]
        }
    }

    /// The formula, and under it the same with numbers and what the engine's op gave.
    private static func equation(_ formula: String, _ x: [Double], _ result: Double) -> [Line] {
        let second = x[2] < 0 ? "− \(number(-x[2]))" : "+ \(number(x[2]))"
        let numbers = "    = \(number(x[0]))·\(factor(x[1])) \(second)·\(factor(x[3])) = "
        return [Line(formula, .formula), [Span(numbers), Span(number(result), .emphasis)]]
    }

    private static func short(_ focus: RopeFocus, _ turn: RopeTurn) -> [Line] {
        let pair = turn.pairs[focus.pair]
        return [
            Line("θ\(low(focus.pair)) = base^(−2i/d) = \(number(pair.theta))", .formula), Line("x′₀ = x₀cos mθ − x₁sin mθ", .formula),
            Line("x′₁ = x₁cos mθ + x₀sin mθ", .formula), vector("q ", pair.before), vector("q′", pair.after),
            [Span("‖q‖  "), Span(exact(turn.norm), .emphasis)], [Span("‖q′‖ "), Span(exact(turn.turnedNorm), .emphasis), sign(turn)],
        ]
    }

    private static func vector(_ name: String, _ x: [Double]) -> Line {
        Line("\(name) = [\(number(x[0])), \(number(x[1]))]")
    }

    /// Over all pairs: a rotation keeps the length.
    static func norm(_ turn: RopeTurn) -> Line {
        [
            Span("‖q‖ = ", .formula), Span(exact(turn.norm), .emphasis), Span("   ‖q′‖ = ", .formula),
            Span(exact(turn.turnedNorm), .emphasis), sign(turn),
        ]
    }

    private static func factor(_ number: Double) -> String { number < 0 ? "(\(self.number(number)))" : self.number(number) }
    private static func sign(_ turn: RopeTurn) -> Span { turn.keepsNorm ? Span(" ✓", .ok) : Span(" ✗", .err) }
    private static func exact(_ number: Double) -> String { Numbers.compact(number, digits: 7) }
    private static func number(_ number: Double) -> String { Numbers.compact(number, digits: 4) }
    static func turns(_ pair: RopeTurn.Pair) -> String { Numbers.compact(pair.angle / (2 * Double.pi)) }

    /// Digits below the line.
    private static func low(_ number: Int) -> String {
        String(String(number).unicodeScalars.compactMap { Unicode.Scalar($0.value - 48 + 0x2080) }.map(Character.init))
    }
}
