import Engine
import Screen
import Tensors

/// The number under the cursor as bits, in its own format and in all others: what it becomes there and between which neighbours it lies.
package enum NumberBitsPane: Pane {
    package static let name = "Bits"

    package static func title(_ session: Session) -> String {
        guard let value = session.selectedValue else { return "Bits" }
        return "\(NumericsWords.brief(value.name)) \(session.cursorIndex)"
    }

    package static func label(_ session: Session) -> String { session.numericsFormat.description }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.isKnown && session.selectedTensor == nil ? [session.numberRequest] : []
    }

    // MARK: drawing

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let number = session.numericsNumber else {
            surface.put(area.x + 1, area.y, session.isKnown ? "computing it again…" : "not computed yet: s steps, r runs to it", .dim)
            return
        }
        let format = session.numericsFormat
        var lines = [exact(number)]
        if format.block == nil { lines += own(number, format, area) } else { lines.append(blocks(format)) }
        for (row, line) in lines.enumerated() { surface.put(area.x + 1, area.y + row, line, width: area.width - 2) }
        let rest = Rect(area.x + 1, area.y + lines.count, area.width - 2, area.height - lines.count)
        if rest.height >= 16 { drawLong(&surface, rest, number, format) } else { drawShort(&surface, rest, number, format) }
    }

    private static func exact(_ number: Double) -> Line {
        let isSingle = Double(Float(number)) == number || number.isNaN
        let text = isSingle ? Numbers.exact(Float(number)) : Numbers.exact(number)
        return [Span(text, role(number, .emphasis)), Span(isSingle ? "   0x\(String(Float(number).bitPattern, radix: 16))" : "", .dim)]
    }

    private static func blocks(_ format: NumberFormat) -> Line {
        Line("\(format.name): numbers of a block share a scale, so none has bits of its own", .dim)
    }

    /// The bits in the value's own format, and with room what they mean.
    private static func own(_ number: Double, _ format: NumberFormat, _ area: Rect) -> [Line] {
        let code = NumberCode(number, in: format)
        let bits = Line([Span(format.name.padding(8), .dim)] + spans(code))
        guard area.height >= 20 else { return [bits] }
        let exponent = ["exponent", "exp", "e"].first { $0.utf8.count <= format.exponentBits } ?? ""
        let mantissa = ["mantissa", "man", "m"].first { $0.utf8.count <= format.mantissaBits } ?? ""
        let head = "        s \(exponent.padding(format.exponentBits)) \(mantissa)"
        return [bits, Line(head, .dim), meaning(code), []]
    }

    /// `+1.34375 · 2⁻⁴` in figures: sign, significand and exponent as the bits say them.
    private static func meaning(_ code: NumberCode) -> Line {
        guard code.number.isFinite, code.number != 0 else { return Line("        \(Numbers.compact(code.number)): no significand", .dim) }
        let exponent = code.exponent == 0 ? 1 - code.format.bias : Int(code.exponent) - code.format.bias
        let significand = code.number.magnitude / Double(sign: .plus, exponent: exponent, significand: 1)
        let text = "\(code.isNegative ? "−" : "+")\(Numbers.exact(significand)) · 2^\(exponent)"
        return [Span("        = \(text)", .formula), Span(code.isSubnormal ? "  subnormal" : "", .warn)]
    }

    private static func spans(_ code: NumberCode) -> [Span] {
        [
            Span(code.signText, .series4), Span(" \(code.exponentText)", .series1), Span(" \(code.mantissaText)", .series0),
        ]
    }

    /// Two lines a format: the bits and how far they are off, then the number with its neighbours.
    private static func drawLong(_ surface: inout Surface, _ area: Rect, _ number: Double, _ own: NumberFormat) {
        surface.put(area.x, area.y, row("", "becomes", "below", "above", area.width), .dim)
        let formats = formats(own).prefix((area.height - 1) / 2)
        for (place, format) in formats.enumerated() {
            let (code, y) = (NumberCode(number, in: format), area.y + 1 + 2 * place)
            let mark = mark(number, code)
            surface.put(area.x, y, Line([Span(format.name.padding(8), format == own ? .accent : .text)] + spans(code)), width: area.width)
            surface.put(area.right - mark.width, y, Line([mark]))
            surface.put(area.x, y + 1, neighbours("", code, of: number, area.width), .text)
        }
    }

    /// A line a format, without bits.
    private static func drawShort(_ surface: inout Surface, _ area: Rect, _ number: Double, _ own: NumberFormat) {
        guard area.height >= 2 else { return }
        surface.put(area.x, area.y, row("", "becomes", "below", "above", area.width), .dim)
        for (place, format) in formats(own).prefix(area.height - 1).enumerated() {
            let (code, y) = (NumberCode(number, in: format), area.y + 1 + place)
            let line = neighbours(format.name, code, of: number, area.width)
            surface.put(area.x, y, line, code.number == number ? .text : role(code.number, .warn))
        }
    }

    private static func neighbours(_ name: String, _ code: NumberCode, of number: Double, _ width: Int) -> String {
        let column = columnWidth(width)
        let numbers = [code.number, code.format.below(number), code.format.above(number)]
        let texts = numbers.map { $0.map { text($0, code.format, columns: column - 1) } ?? "–" }
        return row(name, texts[0], texts[1], texts[2], width)
    }

    private static func columnWidth(_ width: Int) -> Int { max((width - 8) / 3, 1) }

    /// Name on the left, three numbers on the right of their columns.
    private static func row(_ name: String, _ a: String, _ b: String, _ c: String, _ width: Int) -> String {
        let column = columnWidth(width)
        return name.padding(8) + [a, b, c].map { Numbers.right(VisibleText.cut($0, to: column - 1), column) }.joined()
    }

    /// Its own first, then those people compare.
    private static func formats(_ own: NumberFormat) -> [NumberFormat] {
        let all: [NumberFormat] = [.bf16, .fp16, .fp8e4m3, .fp8e5m2, .fp32, .tf32, .fp4e2m1, .fp6e3m2, .fp6e2m3]
        return (own.block == nil && own.mantissaBits <= 23 ? [own] : []) + all.filter { $0.name != own.name }
    }

    /// By how many units in the last place the format's number is off.
    private static func mark(_ number: Double, _ code: NumberCode) -> Span {
        if code.number == number || (code.number.isNaN && number.isNaN) { return Span("exact", .ok) }
        if !code.number.isFinite { return Span(number.isFinite ? "overflow" : "lost", .err) }
        if !number.isFinite { return Span("lost", .err) }
        if abs(number) > code.format.maximum { return Span("too large", .err) }
        if code.number == 0 { return Span("becomes 0", .err) }
        return Span("\(Numbers.signed((code.number - number) / code.format.spacing(at: number), digits: 2)) ulp", .warn)
    }

    /// With as many digits as tell the format's numbers apart, or as fit.
    private static func text(_ number: Double, _ format: NumberFormat, columns: Int) -> String {
        let enough = 1 + Int((Double(format.mantissaBits + 1) * 0.30103).rounded(.up))
        let texts = (2...max(enough, 2)).reversed().lazy.map { Numbers.compact(number, digits: $0) }
        return texts.first { $0.utf8.count <= columns } ?? Numbers.compact(number, digits: 2)
    }

    private static func role(_ number: Double, _ other: Role) -> Role {
        number.isNaN ? .nan : number == .infinity ? .posInf : number == -.infinity ? .negInf : other
    }
}
