import Engine
import Screen
import Tensors

/// The kernels of a value's op with what each costs here, and the card of the selected one.
enum KernelsBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ value: ValueRef, _ selection: Int) {
        let names = session.kernelNames(value)
        let width = min(100, area.width - 6)
        let details = details(session, value, names[safe: selection] ?? "", width - 2)
        let title = session.snapshot?.stepper(level: value.level)?.program.values[safe: value.id].map { Names.short($0.name) } ?? ""
        let size = Size(width, min(names.count + 2 + details.count, area.height - 2))
        let inside = Overlay("Kernels of \(title)", label: "Space switches  q close", size: size).draw(into: &surface, in: area)
        let rows = max(min(names.count + 1, inside.height - details.count - 1), min(4, inside.height))
        table(session, value, names, selection).draw(into: &surface, in: Rect(inside.x, inside.y, inside.width, rows))
        let below = Rect(inside.x, inside.y + rows + 1, inside.width, max(inside.height - rows - 1, 0))
        Prose(lines: details).draw(into: &surface, in: below)
    }

    static func reading(_ session: Session, _ value: ValueRef, _ name: String) -> KernelReading? {
        if case .kernel(let reading)? = session.answers[.kernel(value, name: name)] { reading } else { nil }
    }

    private static func table(_ session: Session, _ value: ValueRef, _ names: [String], _ selection: Int) -> TableView {
        let columns = [
            TableView.Column("", width: .fixed(1)), TableView.Column("kernel", width: .rest),
            TableView.Column("time", width: .fixed(9), align: .right), TableView.Column("of limit", width: .fixed(8), align: .right),
            TableView.Column("max |Δ|", width: .fixed(9), align: .right), TableView.Column("other bits", width: .fixed(11), align: .right),
        ]
        let now = session.kernelName(value)
        return TableView(columns, count: names.count, selection: selection) { row in
            let reading = reading(session, value, names[row])
            let isOn = names[row] == now
            return [
                Span(isOn ? KernelWords.sign(session, value) : "", isOn ? .warn : .dim), Span(names[row], isOn ? .emphasis : .overlay),
                Span(reading.map { KernelWords.time($0.seconds) } ?? "", .overlay),
                Span(reading.map { KernelWords.share($0.share) } ?? "", .overlay),
                Span(reading.map { $0.differing == 0 ? "same bits" : Numbers.compact($0.difference) } ?? "", .overlay),
                Span(reading.map { $0.differing == 0 ? "" : KernelWords.part($0.differing, of: $0.elementCount) } ?? "", .dim),
            ]
        }
    }

    private static func details(_ session: Session, _ value: ValueRef, _ name: String, _ width: Int) -> [Line] {
        guard let reading = reading(session, value, name) else {
            if case .failed(let why)? = session.answers[.kernel(value, name: name)] { return Prose.wrap(why, width: width, role: .warn) }
            return [Line("measuring…", .dim)]
        }
        let card = reading.card
        var lines = Prose.wrap(card.sentence, width: width, role: .overlay)
        if let meaning = reading.meaning { lines += Prose.wrap("changes what is meant: \(meaning)", width: width, role: .warn) }
        lines += labelled("order", card.order, width, .formula) + labelled("rounding", card.rounding, width, .overlay)
        if let fails = card.fails { lines += labelled("fails", fails, width, .warn) }
        return lines + labelled("source", card.source, width, .dim) + labelled("cost", KernelWords.cost(reading), width, .overlay)
    }

    private static func labelled(_ label: String, _ text: String, _ width: Int, _ role: Role) -> [Line] {
        Prose.wrap(text, width: width - 9, role: role).enumerated().map { row, line in
            Line([Span((row == 0 ? label : "").padding(9), .dim)] + line.spans)
        }
    }
}

/// Kernels in words.
enum KernelWords {
    /// Beside the kernel that runs: whether it is the model's own.
    static func sign(_ session: Session, _ value: ValueRef) -> String { session.isOwnKernel(value) ? "·" : "≠" }

    static func time(_ seconds: Double) -> String {
        seconds < 1e-3
            ? "\(Numbers.compact(seconds * 1e6)) µs"
            : seconds < 1 ? "\(Numbers.compact(seconds * 1e3)) ms" : "\(Numbers.compact(seconds)) s"
    }

    static func share(_ share: Double) -> String { share < 0.001 ? "< 0.1 %" : "\(Numbers.compact(share * 100, digits: 2)) %" }

    static func part(_ count: Int, of all: Int) -> String { "\(Numbers.compact(100 * Double(count) / Double(max(all, 1)), digits: 2)) %" }

    /// What it does, how fast, and what this machine could.
    static func cost(_ reading: KernelReading) -> String {
        let limits = reading.limits
        let limit =
            "this machine: \(Numbers.compact(limits.operationsPerSecond * 1e-9)) GFLOP/s, \(Numbers.compact(limits.bytesPerSecond * 1e-9)) GB/s"
        // The limit is that of the memory; what is read again and again while it is measured lies nearer.
        let cached = reading.share > 1 && !reading.isBoundByArithmetic ? " (it lies in a cache)" : ""
        return """
            \(Numbers.count(reading.operations)) FLOP, \(Numbers.bytes(reading.bytes)) moved, \(time(reading.seconds)): \
            \(Numbers.compact(reading.gigaflops)) GFLOP/s, \(Numbers.compact(reading.gigabytes)) GB/s, \
            \(share(reading.share)) of the limit by \(reading.isBoundByArithmetic ? "arithmetic" : "memory")\(cached); \(limit)
            """
    }
}
