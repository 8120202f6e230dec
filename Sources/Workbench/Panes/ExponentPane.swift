import Engine
import Screen
import Tensors

/// How many numbers of the selected value have each exponent, with the ranges of the formats under it.
package enum ExponentPane: Pane {
    package static let name = "Exponents"
    package static func title(_ session: Session) -> String { "Exponents" }

    package static func label(_ session: Session) -> String {
        guard let s = session.numericsStatistics, let format = fate(session) else { return "" }
        let (small, large) = (s.subnormals(in: format), s.beyond(format))
        if small + large == 0 { return "none beyond \(format.name)" }
        let isShort = Breakpoint(session.size) == .standard
        let parts = [(small, isShort ? "sub" : "subnormal"), (large, isShort ? "over" : "beyond its end")].filter { $0.0 > 0 }
        return "\(format.name) " + parts.map { "\(Numbers.short($0.0)) \($0.1)" }.joined(separator: isShort ? " " : ", ")
    }

    /// The format whose ends are counted: the value's own, or fp16 where that is wide.
    private static func fate(_ session: Session) -> NumberFormat? {
        let format = session.numericsFormat
        return format.block != nil || format.exponentBits >= 8 ? .fp16 : format
    }

    package static func requests(_ session: Session, _ area: Rect) -> [Request] {
        session.isKnown && session.statistics(session.place.value) == nil
            ? [.detail(session.place.value, bins: HeatMapPane.detailBins)] : []
    }

    // MARK: drawing

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let s = session.numericsStatistics else { return }
        let rows = min(ranges(session.numericsFormat).count, max(area.height - 4, 0))
        let plot = Rect(area.x + nameWidth, area.y, area.width - nameWidth - 1, area.height - rows)
        guard plot.width > 4, plot.height > 1 else { return }
        let axis = ExponentAxis(s, width: plot.width)
        Histogram(axis.counts, low: 0, high: 0, outside: HeatCounts()).draw(into: &surface, in: plot)
        surface.fill(Rect(plot.x, plot.bottom - 1, plot.width, 1), Cell(" ", .text))
        drawEnds(s, axis, &surface, Rect(area.x, plot.bottom - 1, area.width, 1), plot)
        for (row, format) in ranges(session.numericsFormat).prefix(rows).enumerated() {
            draw(format, isOwn: format.name == session.numericsFormat.name, axis, &surface, plot, y: plot.bottom + row, nameAt: area.x + 1)
        }
    }

    private static let nameWidth = 9

    /// What the ends stand for, and what has no exponent: zeros, NaN, infinities.
    private static func drawEnds(_ s: Statistics, _ axis: ExponentAxis, _ surface: inout Surface, _ line: Rect, _ plot: Rect) {
        let right = "2^\(axis.high)"
        var x = plot.x + surface.put(plot.x, line.y, "2^\(axis.low)", .ruler) + 1
        surface.put(plot.right - right.utf8.count, line.y, right, .ruler)
        let outside = [
            ("N", s.nan, Role.nan), ("▲", s.positiveInfinity, .posInf), ("▼", s.negativeInfinity, .negInf), ("zero", s.zeros, .dim),
        ]
        for (sign, count, role) in outside where count > 0 {
            let text = "\(sign) \(Numbers.short(count))"
            guard x + VisibleText.width(text) < plot.right - right.utf8.count else { break }
            x += surface.put(x, line.y, text, role) + 1
        }
    }

    /// `···` where the format's numbers are subnormal, `━━━` where they are normal, arrows where that goes on beyond the axis.
    private static func draw(
        _ format: NumberFormat, isOwn: Bool, _ axis: ExponentAxis, _ surface: inout Surface, _ plot: Rect, y: Int, nameAt x: Int
    ) {
        surface.put(x, y, format.name, isOwn ? .accent : .dim)
        let least = 1 - format.bias
        let (first, last) = (least - format.mantissaBits, Int(format.maximum.exponent))
        for column in 0..<plot.width {
            let e = axis.exponent(at: column)
            guard e >= first, e <= last else { continue }
            surface.put(plot.x + column, y, e < least ? "·" : "━", isOwn ? .accent : .text)
        }
        if first < axis.low { surface.put(plot.x, y, "◂", isOwn ? .accent : .text) }
        if last > axis.high { surface.put(plot.right - 1, y, "▸", isOwn ? .accent : .text) }
    }

    /// Its own first; fp32, tf32 and bf16 have the same exponents.
    private static func ranges(_ own: NumberFormat) -> [NumberFormat] {
        let all: [NumberFormat] = [.fp16, .fp8e4m3, .bf16, .fp8e5m2, .fp4e2m1, .fp6e3m2]
        return (own.block == nil && own.exponentBits <= 8 ? [own] : []) + all.filter { $0.name != own.name }
    }
}

/// Exponents side by side: those of a value and those of fp16, so that its ends are in sight.
struct ExponentAxis {
    let low: Int
    let high: Int
    let width: Int
    private let magnitudes: [Int]

    init(_ s: Statistics, width: Int) {
        var numbers = s.magnitudes
        // Bucket 0 holds zeros and what is subnormal in fp32.
        numbers[0] -= s.zeros
        let (first, last) = (numbers.firstIndex { $0 > 0 } ?? 127, numbers.lastIndex { $0 > 0 } ?? 127)
        low = min(first - 127, -24) - 1
        high = max(last - 127, 15) + 1
        (magnitudes, self.width) = (numbers, width)
    }

    /// Of each exponent from `low` to `high`.
    var counts: [Int] { (low...high).map { magnitudes[safe: $0 + 127] ?? 0 } }

    /// As the histogram places them.
    func exponent(at column: Int) -> Int { low + column * (high - low + 1) / max(width, 1) }
}

extension Statistics {
    /// How many finite elements have an exponent above a format's largest: they are beyond it.
    func beyond(_ format: NumberFormat) -> Int {
        let last = Int(format.maximum.exponent) + 127
        return last >= 254 ? 0 : magnitudes[(last + 1)...].reduce(0, +)
    }
}
