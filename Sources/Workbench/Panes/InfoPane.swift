import Engine
import Screen
import Tensors

/// What is known of the selected value: shape, statistics, the op that wrote it.
package enum InfoPane: Pane {
    package static let name = "Info"
    package static func title(_ session: Session) -> String { "Info" }

    package static func label(_ session: Session) -> String {
        guard let step = session.selectedValue?.step, let shown = session.shown else { return session.selectedValue?.role.rawValue ?? "" }
        return "\(shown.program.steps[step].op.card.name) · \(shown.kernelName(of: session.place.value.id))"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.isKnown ? [.detail(session.place.value, bins: HeatMapPane.detailBins)] : []
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        let lines = area.width >= 60 || area.height < 8 ? short(session, area.width - 2) : long(session, area.width - 2)
        for (row, line) in lines.prefix(area.height).enumerated() { surface.put(area.x + 1, area.y + row, line, width: area.width - 2) }
    }

    private static func long(_ session: Session, _ width: Int) -> [Line] {
        guard let value = session.selectedValue else { return [] }
        let shape = session.selectedTensor?.shape ?? value.shape
        var lines: [Line] = [row("shape", shape.spoken), row("also", value.aliases.joined(separator: ", "))].filter {
            $0.spans[1].text != ""
        }
        lines += session.edits(of: session.place.value).map { row("✎", "\($0)") }
        lines += session.quirks(of: session.place.value).map { row(QuirkWords.sign, $0.title) }
        lines += session.formatLines(session.place.value, width: width - 7).map { row("format", $0) }
        if let s = HeatMapPane.detail(session)?.statistics { lines += numbers(s, shape) }
        if let step = value.step, let shown = session.shown {
            let op = shown.program.steps[step].op
            lines += [[], Line(op.card.formula, .formula)]
            lines += op.parameters.map { row($0.name, $0.value) }
        }
        return lines
    }

    private static func numbers(_ s: Statistics, _ shape: Shape) -> [Line] {
        [
            row("count", Numbers.count(s.count)), row("mean", Numbers.signed(s.mean, digits: 4)),
            row("std", Numbers.compact(s.std, digits: 4)),
            row("rms", Numbers.compact(s.rms, digits: 4) + "   ‖x‖ " + Numbers.compact(s.norm, digits: 4)),
            extreme("min", s.min, s.minAt, shape),
            extreme("max", s.max, s.maxAt, shape), row("zeros", "\(Numbers.count(s.zeros))   subnormal \(Numbers.count(s.subnormals))"),
            row("NaN", "\(s.nan)   +Inf \(s.positiveInfinity)   −Inf \(Numbers.count(s.negativeInfinity))"),
            row("hash", String(s.hash, radix: 16)),
        ]
    }

    private static func extreme(_ name: String, _ value: Float, _ at: Int?, _ shape: Shape) -> Line {
        row(name, "\(Numbers.signed(Double(value), digits: 4)) @\(at.map { shape.index(at: $0).description } ?? "")")
    }

    private static func row(_ name: String, _ text: String) -> Line { [Span(name.padding(7), .dim), Span(text)] }

    /// What is no number is never cut off: where the digits need the room, the deviation goes.
    private static func counts(_ s: Statistics, _ width: Int) -> Line {
        let head = "n \(Numbers.count(s.count))  mean \(Numbers.signed(s.mean))"
        let tail = "  NaN \(s.nan)  Inf \(s.positiveInfinity + s.negativeInfinity)"
        let long = "\(head)  std \(Numbers.compact(s.std))\(tail)"
        return Line(VisibleText.width(long) <= width ? long : head + tail)
    }

    private static func extremes(_ s: Statistics, _ shape: Shape, _ width: Int) -> Line {
        let ends = [("min", s.min, s.minAt), ("max", s.max, s.maxAt)]
        let words = { (digits: Int) in
            ends.map { name, value, at in
                "\(name) \(Numbers.signed(Double(value), digits: digits)) @\(at.map { shape.index(at: $0).description } ?? "")"
            }.joined(separator: "  ")
        }
        return Line(VisibleText.width(words(3)) <= width ? words(3) : words(2))
    }

    /// Five lines for small screens.
    private static func short(_ session: Session, _ width: Int) -> [Line] {
        guard let value = session.selectedValue else { return [] }
        let shape = session.selectedTensor?.shape ?? value.shape
        var lines: [Line] = []
        if let s = HeatMapPane.detail(session)?.statistics {
            lines = [counts(s, width), extremes(s, shape, width)]
        }
        lines += session.edits(of: session.place.value).map { Line("✎ \($0)", .warn) }
        lines += session.quirks(of: session.place.value).map { Line("\(QuirkWords.sign) \($0.title)", .warn) }
        if !session.isOwnFormat(session.place.value) {
            lines += session.formatLines(session.place.value, width: width).map { Line($0, .warn) }
        }
        if let step = value.step, let op = session.shown?.program.steps[step].op {
            lines += [Line(op.card.formula, .formula), Line(op.card.sentence, .dim)]
        }
        return lines
    }
}
