import Engine
import Screen

/// The op's formula, its derivative's with the derivation line by line, the terms of the number under the cursor, the update that would
/// follow, and the measured slope.
package enum GradientFormulaPane: Pane {
    package static let name = "Formula"

    package static func title(_ session: Session) -> String {
        guard let step = session.gradientStep else { return "Formula" }
        return "Formula  \(step.op.card.name)"
    }

    package static func label(_ session: Session) -> String {
        let count = lines(session).count
        return session.gradient.formulaLine > 0 ? "from line \(min(session.gradient.formulaLine, count - 1) + 1) of \(count)" : ""
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        guard session.snapshot?.inner.isEmpty ?? true else { return [] }
        return [terms(session)].compactMap(\.self).filter { _ in isKnown(session) } + [GradientCheck.request(session)].compactMap(\.self)
    }

    private static func isKnown(_ session: Session) -> Bool { session.gradientValue.map { session.isComputed($0) } ?? false }

    private static func terms(_ session: Session) -> Request? {
        session.gradientValue.map { .gradient(.terms($0, index: session.cursorIndex)) }
    }

    // MARK: drawing

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        let all = area.height >= 7 && area.width >= 56 ? lines(session) : short(session, area.height)
        let first = area.height >= 7 ? min(session.gradient.formulaLine, max(all.count - area.height, 0)) : 0
        for (row, line) in all.dropFirst(first).prefix(area.height).enumerated() {
            surface.put(area.x + 1, area.y + row, line, width: area.width - 2)
        }
    }

    private static func lines(_ session: Session) -> [Line] {
        guard let step = session.gradientStep else { return [] }
        var lines: [Line] = []
        if let gradient = step.op as? Gradient {
            let forward = gradient.op.card
            lines += [row("forward", [Span(forward.formula, .formula), Span("   \(forward.name)", .dim)])]
            lines += [row("backward", [Span(gradient.derivative.formula, .emphasis)])]
            lines += gradient.derivative.derivation.enumerated().map { number, text in
                row(number == 0 ? "because" : "", [Span(number == 0 ? "  " : "⇒ ", .dim), Span(text, .formula)])
            }
        } else {
            lines += [row("formula", [Span(step.op.card.formula, .emphasis)]), row("", [Span(step.op.card.sentence, .text)])]
        }
        guard session.snapshot?.inner.isEmpty ?? true else { return lines + GradientInside.lines(session) }
        lines += numbers(session)
        lines += GradientUpdate.lines(session).enumerated().map { row($0.offset == 0 ? "update" : "", $0.element) }
        return lines + GradientCheck.lines(session).enumerated().map { row($0.offset == 0 ? "check" : "", $0.element) }
    }

    /// What fits on a small screen: the derivative, the number with its largest term, the update, the check.
    private static func short(_ session: Session, _ height: Int) -> [Line] {
        guard let step = session.gradientStep else { return [] }
        let formula =
            (step.op as? Gradient).map { [Line($0.op.card.formula, .formula), Line($0.derivative.formula, .emphasis)] }
            ?? [Line(step.op.card.formula, .emphasis)]
        guard session.snapshot?.inner.isEmpty ?? true else {
            return formula.suffix(1) + GradientInside.lines(session).suffix(max(height - 1, 0))
        }
        let check = GradientCheck.short(session)
        let more = check.isEmpty ? numbers(session).prefix(2).map { Line($0.spans.dropFirst().map { $0 }) } : check
        return formula + more
    }

    /// The number under the cursor and what it was added up from.
    private static func numbers(_ session: Session) -> [Line] {
        guard isKnown(session), let request = terms(session), case .gradient(.terms(let terms))? = session.answers[request] else {
            return []
        }
        let program = session.snapshot?.stepper.program
        let at = "\(session.cursorIndex)"
        let total = row("at \(at)", [Span("= \(Numbers.compact(terms.number, digits: 6))", .emphasis), Span(count(terms), .dim)])
        return [total]
            + terms.sources.prefix(3).map { source in
                let name = program?.values[safe: source.value].map { Names.short($0.name) } ?? ""
                return row(
                    "",
                    [
                        Span((source.term == 0 ? "0" : Numbers.signed(source.term, digits: 4)).padding(12), .text),
                        Span("= \(Numbers.compact(source.number, digits: 4)) × \(Numbers.compact(source.weight, digits: 4))", .formula),
                        Span("   \(name) \(source.index)", .dim),
                    ])
            }
    }

    private static func count(_ terms: GradientTerms) -> String {
        guard terms.count > 0 else { return "" }
        return terms.count == 1 ? "   one term" : "   the sum of \(Numbers.count(terms.count)) terms, the largest first"
    }

    private static func row(_ name: String, _ line: [Span]) -> Line {
        Line([Span((name + (name.isEmpty ? "" : " ")).padding(10), .dim)] + line)
    }
    private static func row(_ name: String, _ line: Line) -> Line { row(name, line.spans) }

    // MARK: keys

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard case .by(0, let dy) = step else { return false }
        session.gradient.formulaLine = min(max(session.gradient.formulaLine + dy, 0), max(lines(session).count - 1, 0))
        return true
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("into") }
}

/// What an optimizer would do with a weight's gradient.
enum GradientUpdate {
    static func lines(_ session: Session) -> [Line] {
        guard let target = session.gradientTarget, let value = session.gradientValue, session.isComputed(value),
            session.snapshot?.stepper.program.values[safe: target.id]?.role == .weight,
            let gradient = ValueMap(session, value).number, let weight = ValueMap(session, target).number
        else { return [] }
        let rate = session.gradient.learningRate
        let step = -rate * gradient
        var lines: [Line] = [
            [
                Span("w ← w − lr·g = \(number(weight)) − \(Numbers.label(rate))·\(factor(gradient)) = ", .formula),
                Span(Numbers.compact(weight + step, digits: 7), .emphasis), Span("   plain SGD", .dim),
            ]
        ]
        if let g = session.statistics(value)?.norm, let w = detail(session, target)?.statistics.norm, w > 0 {
            lines.append([
                Span("‖lr·g‖ / ‖w‖ = \(Numbers.compact(rate * g / w))", .formula),
                Span("   AdamW divides by its moments, which only a training run has", .dim),
            ])
        }
        return lines
    }

    private static func detail(_ session: Session, _ value: ValueRef) -> Detail? { ValueMap(session, value).detail }
    private static func number(_ value: Double) -> String { Numbers.compact(value, digits: 4) }
    private static func factor(_ value: Double) -> String { value < 0 ? "(\(number(value)))" : number(value) }
}

/// The slope of the loss at the element under the cursor, measured when asked.
enum GradientCheck {
    static func request(_ session: Session) -> Request? {
        guard let element = session.gradient.check, element == session.gradientElement else { return nil }
        return .gradient(.slope(element))
    }

    /// fp32 rounds a gradient by a share of its largest elements.
    private static func agrees(_ slope: CentralDifference, _ gradient: Double, largest: Double) -> Bool {
        abs(slope.slope - gradient) <= 1e-4 * max(largest, abs(gradient))
    }

    static func lines(_ session: Session) -> [Line] {
        guard let request = request(session) else { return [[Span("d", .key), Span(" measures the slope of the loss here", .hint)]] }
        switch session.answers[request] {
        case .gradient(.slope(let slope))?:
            let formula: Line = [
                Span("(L(x+h) − L(x−h)) / 2h = ", .formula), Span(exact(slope.slope), .emphasis),
                Span("   fp64, h = \(Numbers.compact(slope.step, digits: 2))", .dim),
            ]
            return [formula, verdict(session, slope)]
        case .failed(let why)?: return [Line(why, .warn)]
        default: return [Line("measuring… C-c calls it off", .dim)]
        }
    }

    private static func verdict(_ session: Session, _ slope: CentralDifference) -> Line {
        guard let (gradient, largest) = gradient(session) else { return Line("the gradient has not been computed yet", .dim) }
        let isSame = agrees(slope, gradient, largest: largest)
        return [
            Span("                gradient = ", .formula), Span(exact(gradient), .emphasis),
            Span("   rel. error \(Numbers.compact(slope.relativeError(of: gradient), digits: 2)) ", .dim),
            isSame ? Span("✓", .ok) : Span("✗", .err),
        ]
    }

    /// For the status line.
    static func mark(_ session: Session) -> Line? {
        guard let request = request(session), let (gradient, largest) = gradient(session) else { return nil }
        guard case .gradient(.slope(let slope))? = session.answers[request] else { return Line("  measuring…", .status) }
        let isSame = agrees(slope, gradient, largest: largest)
        return [Span("  slope \(exact(slope.slope)) ", .status), isSame ? Span("✓", .ok) : Span("✗", .err)]
    }

    /// Two lines for small screens.
    static func short(_ session: Session) -> [Line] {
        guard let request = request(session) else { return [] }
        guard case .gradient(.slope(let slope))? = session.answers[request] else { return lines(session) }
        guard let (gradient, largest) = gradient(session) else { return [Line("slope \(exact(slope.slope))", .formula)] }
        return [
            [
                Span("fd \(exact(slope.slope)) vs \(exact(gradient)) ", .formula),
                agrees(slope, gradient, largest: largest) ? Span("✓", .ok) : Span("✗", .err),
            ],
            Line(
                "rel. error \(Numbers.compact(slope.relativeError(of: gradient), digits: 2))  fp64, h=\(Numbers.compact(slope.step, digits: 2))",
                .dim),
        ]
    }

    private static func gradient(_ session: Session) -> (Double, largest: Double)? {
        guard let target = session.gradientTarget, let id = session.snapshot?.stepper.program.gradient(of: target.id) else { return nil }
        let value = ValueRef(id: id)
        guard session.isComputed(value), let number = session.tensor(value)?.value(at: session.cursorIndex) else { return nil }
        return (number, Double(session.statistics(value)?.absMax ?? 0))
    }

    private static func exact(_ value: Double) -> String { Numbers.compact(value, digits: 6) }
}
