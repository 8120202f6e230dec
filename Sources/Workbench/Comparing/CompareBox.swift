import Engine
import Screen
import Tensors

/// One element on both sides: the numbers, their bits, and what each was computed from.
enum CompareBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ scroll: Int) {
        guard let row = session.comparedRow, let request = session.comparedElementRequest else { return }
        let width = min(104, area.width - 6)
        var (lines, element): ([Line], ComparedElement?) = ([], nil)
        switch session.answers[request] {
        case .compared(.element(let found))?: (lines, element) = (head(session, row, found, width), found)
        case .failed(let why)?: lines = Prose.wrap(why, width: width, role: .warn)
        default: break
        }
        let height = lines.count + (element.map { $0.terms.isEmpty ? 0 : $0.terms.count + 1 } ?? 0)
        let inside = box(row, Size(width, max(1, min(height, area.height - 4)))).draw(into: &surface, in: area)
        let rows = element.map { min($0.terms.count + 1, leastRows) } ?? 0
        let hidden = max(0, min(scroll, lines.count + rows - inside.height))
        Prose(lines: lines).draw(into: &surface, in: inside, first: hidden)
        guard let element, !element.terms.isEmpty else { return }
        let above = min(lines.count - hidden, inside.height)
        let body = Rect(inside.x, inside.y + above, inside.width, inside.height - above)
        table(element, inside.width, scroll - hidden).draw(into: &surface, in: body)
    }

    /// As far as keys scroll: to the last term, and what stands above may have gone away before.
    static func end(_ session: Session) -> Int {
        guard let request = session.comparedElementRequest, case .compared(.element(let element))? = session.answers[request] else {
            return 0
        }
        return max(element.terms.count - 1, 0) + mostAbove
    }

    /// Numbers, bits, verdict, samples and formula.
    private static let mostAbove = 16

    /// With the head of the table: where there is no room for so many, what stands above goes away first.
    private static let leastRows = 4

    /// The keys are never cut off: a long name loses its middle.
    private static func box(_ row: ValueDifference, _ size: Size) -> Overlay {
        let labels = ["s samples  Enter goes there  q close", "s samples  Enter go  q close", "s  Enter  q close"]
        let (long, brief) = ("\(Names.short(row.name)) \(row.index)", "\(NumericsWords.brief(row.name)) \(row.index)")
        // The frame needs two columns at each end and two between title and label.
        let room = { (label: String) in size.width + 4 - 8 - VisibleText.width(label) }
        let label = labels.first { VisibleText.width(brief) <= room($0) } ?? labels[2]
        return Overlay(VisibleText.width(long) <= room(label) ? long : brief, label: label, size: size)
    }

    // MARK: numbers and bits

    private static func head(_ session: Session, _ row: ValueDifference, _ element: ComparedElement, _ width: Int) -> [Line] {
        let names = ["A \(session.compared.base)", "B \(session.comparedLine?.name ?? "")"]
        let numbers = zip(element.numbers, row.formats).map { NumberBits($0, format: $1) }
        let titles = zip(names, row.formats).map { "\($0)  \($1)" }
        var lines: [Line] = zip(numbers, titles).map { bits, title in
            [Span("\(bits.exact) ".padding(22), .emphasis), Span(title, .overlay)]
        }
        lines.append(
            [Span("Δ \(Numbers.compact(element.numbers[0] - element.numbers[1], digits: 6)) ".padding(22), .emphasis)] + spacing(numbers)
                + [Span("  cosine \(Numbers.fixed(row.cosine, decimals: 8))", .dim)])
        lines += bits(numbers) + VerdictWords.lines(session.comparedLine?.verdicts[row.name], width: width) + samples(session)
        return lines + [[]] + cards(element, width) + [[]]
    }

    /// How far other roundings of the op move the value, beside what the verdict takes for it.
    private static func samples(_ session: Session) -> [Line] {
        guard let request = session.comparedSpreadRequest else { return [] }
        switch session.answers[request] {
        case .compared(.spread(let spread?))?: return [VerdictWords.line(spread)]
        case .compared(.spread(nil))?: return [Line("nothing is rounded here, or what it reads is not in the file", .dim)]
        case .failed(let why)?: return [Line(why, .warn)]
        default: return [Line("sampling…", .dim)]
        }
    }

    /// How many numbers of their format lie between the two.
    private static func spacing(_ numbers: [NumberBits]) -> [Span] {
        guard let steps = numbers[0].steps(to: numbers[1]) else { return [] }
        return [Span(steps == 1 ? "neighbours" : "\(Numbers.count(steps)) steps of \(numbers[0].format) apart", .dim)]
    }

    /// Sign, exponent and digits of both, with a mark under each bit that differs.
    private static func bits(_ numbers: [NumberBits]) -> [Line] {
        guard numbers[0].format == numbers[1].format else { return numbers.map { [Span($0.text, .code)] } }
        let (one, other) = (Array(numbers[0].text), Array(numbers[1].text))
        let marks = String(zip(one, other).map { $0 == $1 ? " " : "^" })
        return [Line(numbers[0].text, .code), Line(numbers[1].text, .code), Line(marks, .err)]
    }

    private static func cards(_ element: ComparedElement, _ width: Int) -> [Line] {
        let texts = element.ops.map { $0.map { "\($0.name):  \($0.formula)" } }
        guard let first = texts[0] else { return [Line("given, not computed", .dim)] }
        guard let second = texts[1], second != first else { return Prose.wrap(first, width: width, role: .formula) }
        return [("A ", first), ("B ", second)].flatMap { side, text in
            Prose.wrap(text, width: width - 2, role: .formula).enumerated().map { Line([Span($0 == 0 ? side : "  ", .key)] + $1.spans) }
        }
    }

    // MARK: lineage

    /// Sources of both sides, those first whose terms move the number apart most.
    private static func table(_ element: ComparedElement, _ width: Int, _ scroll: Int) -> TableView {
        let isWide = width >= 96
        let term = { (title: String) in TableView.Column(title, width: .fixed(isWide ? 26 : 11), align: .right) }
        let columns = [
            TableView.Column("computed from", width: .rest), TableView.Column("element", width: .fixed(12)),
            term(isWide ? "A number × weight = term" : "A term"), term(isWide ? "B" : "B term"),
            TableView.Column("Δ term", width: .fixed(10), align: .right),
        ]
        return TableView(columns, count: element.terms.count, selection: min(scroll, element.terms.count - 1)) { place in
            let term = element.terms[place]
            return [Span(Names.short(term.name), .overlay), Span("\(term.index)", .dim)]
                + term.parts.map { Span($0.map { words($0, isWide) } ?? "–", .overlay) } + [
                    Span(term.difference.map { Numbers.compact($0) } ?? "–", .emphasis)
                ]
        }
    }

    private static func words(_ part: ComparedElement.Part, _ isWide: Bool) -> String {
        let term = Numbers.compact(part.term, digits: 4)
        return isWide ? "\(Numbers.compact(part.number, digits: 4))×\(Numbers.compact(part.weight, digits: 4))=\(term)" : term
    }
}

/// A number as bits of the format that its value is in, or of fp32, where it lies, if it is no number of that format.
struct NumberBits: Hashable {
    let number: Double
    let format: NumberFormat

    init(_ number: Double, format name: String) {
        self.number = number
        let own = NumberFormat.scalars.first { $0.name == name }
        format = own.flatMap { number.isNaN || $0.nearest(number) == number ? $0 : nil } ?? .fp32
    }

    /// All digits that tell it from its neighbours.
    var exact: String { format == .fp64 ? Numbers.exact(number) : Numbers.exact(Float(number)) }

    private var code: NumberCode { NumberCode(number, in: format) }

    /// `0 01111110 10000000000000000000000`
    var text: String { "\(code.signText) \(code.exponentText) \(code.mantissaText)" }

    /// How many steps from number to number of the format lie between this and another; nil for NaN, infinities and another format.
    func steps(to other: NumberBits) -> Int? {
        guard format == other.format, number.isFinite, other.number.isFinite else { return nil }
        let (one, there) = (place, other.place)
        let (distance, overflow) = one.subtractingReportingOverflow(there)
        return overflow || distance == .min ? nil : Int(abs(distance))
    }

    /// Its place in the row of all numbers, from the lowest.
    private var place: Int64 {
        let size = Int64(code.exponent << UInt64(format.mantissaBits) | code.mantissa)
        return number < 0 ? -size : size
    }
}

extension Session {
    var comparedElementRequest: Request? {
        guard let line = comparedLine, let row = comparedRow, row.difference != nil, row.shape.elementCount > 0 else { return nil }
        return .compared(.element(line: line.number, value: row.name, index: row.index))
    }

    static let samples = 16

    var comparedSpreadRequest: Request? {
        guard compare.isSampling, let line = comparedLine, let row = comparedRow else { return nil }
        return .compared(.spread(line: line.number, value: row.name, samples: Session.samples))
    }

    var comparedElementRequests: [Request] { [comparedElementRequest, comparedSpreadRequest].compactMap(\.self) }

    /// The worst element of the selected value in a box of its own.
    mutating func openComparedElement() -> [Effect] {
        guard comparedElementRequest != nil else {
            if let row = comparedRow { say(row.mismatch ?? "the value is empty", .warning) }
            return []
        }
        overlay = .compared(scroll: 0)
        return []
    }

    /// Enter goes to the element in the run on the screen, if that has it.
    mutating func comparedKey(_ key: Key, _ scroll: Int) -> [Effect] {
        if key == Key("s") { compare.isSampling.toggle() }
        guard key.code == .enter else {
            overlay = .compared(scroll: max(0, min(scroll + key.scroll, CompareBox.end(self))))
            return []
        }
        guard let row = comparedRow, let value = value(named: row.name) else { return [] }
        overlay = nil
        remember()
        open(.explore)
        select(value, remember: false)
        moveCursor(to: row.index)
        return []
    }
}
