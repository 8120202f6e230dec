import Engine
import Screen
import Tensors

/// Every value in running order: its format and kernel, how near it comes to the format's ends, and how it grows.
package enum NumericsTablePane: Pane {
    package static let name = "Values"

    package static func title(_ session: Session) -> String {
        session.place.value.level > 0 ? "Values inside \(session.enteredName)" : "Values and their formats"
    }

    package static func label(_ session: Session) -> String {
        guard let shown = session.shown, let step = session.selectedValue?.step else { return session.selectedValue?.role.rawValue ?? "" }
        return "\(shown.program.steps[step].op.card.name) · \(shown.choices[step].kernelName)"
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] { [session.errorRequest].compactMap(\.self) }

    // MARK: drawing

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let stepper = session.shown else {
            surface.put(area.x + 1, area.y, session.busy ?? "no model is open — :open PATH", .dim)
            return
        }
        table(session, stepper, area, focused).draw(into: &surface, in: area)
    }

    private static func table(_ session: Session, _ stepper: Stepper, _ area: Rect, _ focused: Bool) -> TableView {
        let columns = NumericsColumn.fitting(area.width)
        return TableView(
            columns.map(\.column), count: stepper.program.steps.count, selection: row(session, stepper), isFocused: focused
        ) { number in
            let output = ValueRef(level: session.place.value.level, id: stepper.program.steps[number].output)
            let cells = NumericsCells(session: session, stepper: stepper, value: output, isNarrow: area.width < NumericsColumn.wide)
            return columns.map { cells.span($0) }
        }
    }

    /// The row of the selected value; of a weight that of its first reader.
    private static func row(_ session: Session, _ stepper: Stepper) -> Int? {
        session.selectedValue?.step ?? stepper.program.consumers(of: session.place.value.id).first
    }

    // MARK: keys and mouse

    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        guard let stepper = session.shown, !stepper.program.steps.isEmpty else { return true }
        let now = row(session, stepper) ?? 0
        switch step {
        case .by(let dx, let dy) where dy == 0: return session.movePlane(.by(dx: dx, dy: 0))
        case .by(_, let dy): select(&session, stepper, now + dy)
        case .pages(let pages): select(&session, stepper, now + Int(pages * 16))
        case .first: select(&session, stepper, 0)
        case .last: select(&session, stepper, stepper.program.steps.count - 1)
        default: return false
        }
        return true
    }

    private static func select(_ session: inout Session, _ stepper: Stepper, _ number: Int) {
        let step = min(max(number, 0), stepper.program.steps.count - 1)
        let cell = (session.place.row, session.place.column, session.place.leading)
        session.select(ValueRef(level: session.place.value.level, id: stepper.program.steps[step].output))
        (session.place.row, session.place.column, session.place.leading) = cell
        session.clampPlace()
    }

    package static func activate(_ session: inout Session) -> [Effect] {
        session.open(.explore)
        return []
    }

    package static func click(_ session: inout Session, _ point: Point, _ area: Rect) {
        guard let stepper = session.shown, let hit = table(session, stepper, area, true).index(at: point, in: area) else { return }
        select(&session, stepper, hit)
    }
}

/// The columns of the table, the most important first: what does not fit is left out.
enum NumericsColumn: CaseIterable {
    case name, format, kernel, largest, headroom, ulp, subnormal, zero, error, growth

    /// From this width on there is room for all.
    static let wide = 96

    /// What the name needs to tell values apart.
    private static let leastName = 14

    static func fitting(_ width: Int) -> [NumericsColumn] {
        var columns = allCases.filter { $0 != .kernel || width >= wide }
        for spare in [NumericsColumn.subnormal, .zero, .growth, .ulp, .headroom, .error]
        where columns.map(\.column).room(in: width) < leastName {
            columns.removeAll { $0 == spare }
        }
        return columns
    }

    var column: TableView.Column {
        switch self {
        case .name: TableView.Column("value", width: .rest)
        case .format: TableView.Column("format", width: .fixed(9))
        case .kernel: TableView.Column("kernel", width: .fixed(9))
        case .largest: TableView.Column("max|x|", width: .fixed(8), align: .right)
        case .headroom: TableView.Column("bits", width: .fixed(5), align: .right)
        case .ulp: TableView.Column("ulp", width: .fixed(7), align: .right)
        case .subnormal: TableView.Column("sub%", width: .fixed(4), align: .right)
        case .zero: TableView.Column("0 %", width: .fixed(4), align: .right)
        case .error: TableView.Column("error", width: .fixed(7), align: .right)
        case .growth: TableView.Column("×layer", width: .fixed(6), align: .right)
        }
    }
}

extension [TableView.Column] {
    /// What the columns of fixed width leave to the name, with the gaps between them.
    func room(in width: Int) -> Int {
        reduce(width) { room, column in
            if case .fixed(let own) = column.width { return room - own - 1 }
            return room
        }
    }
}

/// One row of the table.
struct NumericsCells {
    let session: Session
    let stepper: Stepper
    let value: ValueRef
    let isNarrow: Bool
    private let known: ValueNumerics?

    init(session: Session, stepper: Stepper, value: ValueRef, isNarrow: Bool) {
        (self.session, self.stepper, self.value, self.isNarrow) = (session, stepper, value, isNarrow)
        known = stepper.numerics(of: value.id)
    }

    func span(_ column: NumericsColumn) -> Span {
        switch column {
        case .name: return name
        case .format:
            // Where only the kernel is another, its column says so; without that column, this one.
            let isKernel = !session.isOwnKernel(value) && stepper.isOwnFormat(value.id)
            let isOwn = session.isOwnFormat(value) || isKernel && !isNarrow
            let name = isKernel && isNarrow ? session.changeName(value) : "\(stepper.format(of: value.id))"
            return Span("\(isOwn ? "" : "≠")\(name)", isOwn ? .text : .warn)
        case .kernel:
            let name = stepper.program.values[value.id].step.map { stepper.choices[$0].kernelName } ?? ""
            return session.isOwnKernel(value) ? Span(name, .dim) : Span("≠\(name)", .warn)
        default: return known.map { number(column, $0) } ?? Span(column == .largest ? "…" : "", .dim)
        }
    }

    private var name: Span {
        let full = stepper.program.values[value.id].name
        let sign = session.isEdited(value) ? "✎" : session.quirks(of: value).isEmpty ? "" : QuirkWords.sign
        let isNext = stepper.next == value.id
        let text = isNarrow ? NumericsWords.brief(full) : Names.short(full)
        return Span((isNext ? "▶" : sign) + text, isNext ? .current : known == nil ? .dim : .text)
    }

    /// Relative to the value in fp64: a number where both have one.
    private var error: Span {
        guard let error = session.oracleError(value) else { return Span("…", .dim) }
        if error.isNaN { return Span("–", .dim) }
        return error.isFinite ? Span(Numbers.compact(error, digits: 2), error > 0.1 ? .warn : .text) : Span("∞", .err)
    }

    private func number(_ column: NumericsColumn, _ known: ValueNumerics) -> Span {
        switch column {
        case .largest: return NumericsWords.largest(known)
        case .headroom: return NumericsWords.headroom(known)
        case .ulp: return Span(known.ulp.map { Numbers.compact($0, digits: 2) } ?? "–", .text)
        case .subnormal:
            return Span(NumericsWords.percent(known.subnormalShare), known.subnormalShare > 0.01 ? .warn : .dim)
        case .error: return error
        case .zero: return Span(NumericsWords.percent(known.zeroShare), .dim)
        default: return Span(known.growth.map { Numbers.compact($0, digits: 3) } ?? "", .text)
        }
    }
}

/// Numbers of the table as text.
package enum NumericsWords {
    /// From here on `12 · self_attn · context` has room and is not cut off at its last word.
    static let roomForPaths = 24

    /// `3 · q_proj`: what tells values apart where there is little room.
    static func brief(_ name: String) -> String {
        guard let path = LayerPath(name), !path.rest.isEmpty else { return Names.short(name) }
        let parts = path.rest.split(separator: ".")
        let isParameter = parts.last == "weight" || parts.last == "bias"
        let rest = parts.suffix(isParameter ? 2 : 1).joined(separator: ".")
        return (name.hasPrefix("grad:") ? "grad:" : "") + "\(path.layer) · \(rest)"
    }

    /// The largest magnitude; NaN and infinities go before it, with their glyph and how many.
    static func largest(_ known: ValueNumerics) -> Span {
        let s = known.statistics
        if s.nan > 0 { return Span("N \(Numbers.short(s.nan))", .nan) }
        if s.positiveInfinity > 0 { return Span("▲ \(Numbers.short(s.positiveInfinity + known.negativeInfinity))", .posInf) }
        if known.negativeInfinity > 0 { return Span("▼ \(Numbers.short(known.negativeInfinity))", .negInf) }
        return Span(Numbers.compact(Double(s.absMax)), .text)
    }

    static func headroom(_ known: ValueNumerics) -> Span {
        guard let bits = known.headroom else { return Span("–", .dim) }
        return Span(Numbers.fixed(bits, decimals: bits < 99.95 ? 1 : 0), bits < 1 ? .err : bits < 3 ? .warn : .text)
    }

    /// A share in at most four columns; one that is not zero never reads as zero.
    package static func percent(_ share: Double) -> String {
        if share == 0 || share == 1 { return share == 0 ? "0" : "100" }
        let percent = min(share * 100, 99.9)
        return percent < 0.05 ? "<0.1" : Numbers.fixed(percent, decimals: (9.95..<99.5).contains(percent) ? 0 : 1)
    }
}
