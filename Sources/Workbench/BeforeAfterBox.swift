import Screen

/// Two continuations side by side; what stands behind the first token that differs is set off.
enum BeforeAfterBox {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ scroll: Int) {
        guard let state = session.beforeAfter else { return }
        let size = Size(min(area.width - 6, 132), min(area.height - 4, 18))
        let inside = Overlay("Before and after", label: state.isRunning ? "C-c stops  q close" : "jk scroll  q close", size: size).draw(
            into: &surface, in: area)
        let prompt = Prose.wrap(words(state.prompt), width: inside.width, role: .overlay).prefix(3)
        for (row, line) in prompt.enumerated() { surface.put(inside.x, inside.y + row, line, width: inside.width) }
        let body = Rect(inside.x, inside.y + prompt.count + 1, inside.width, inside.height - prompt.count - 2)
        let columns = body.columns([.share(1), .fixed(3), .share(1)])
        surface.vertical(columns[1].x + 1, body.y, body.height, "│", .overlayBorder)
        let same = zip(state.before.text, state.after.text).prefix { $0 == $1 }.count
        draw(state.before, same, &surface, columns[0], scroll)
        draw(state.after, same, &surface, columns[2], scroll)
        surface.put(inside.x, inside.bottom - 1, summary(state), width: inside.width)
    }

    private static func draw(_ side: BeforeAfter.Side, _ same: Int, _ surface: inout Surface, _ area: Rect, _ scroll: Int) {
        surface.put(area.x, area.y, Line(side.name, .heading), width: area.width)
        let lines = fold(side.text + (side.hasEnded ? "" : "▏"), same, area.width)
        let room = Rect(area.x, area.y + 1, area.width, area.height - 1)
        Prose(lines: lines).draw(into: &surface, in: room, first: min(scroll, max(lines.count - room.height, 0)))
    }

    private static func words(_ prompt: Prompt) -> String {
        switch prompt {
        case .text(let text): text
        case .ids(let ids): "ids " + ids.map(String.init).joined(separator: ", ")
        }
    }

    private static func summary(_ state: BeforeAfter) -> Line {
        let counts = "\(state.before.tokens.count) and \(state.after.tokens.count) of at most \(state.limit) tokens"
        let first = state.firstDifference.map { "the first that differs is the \(ordinal($0 + 1))" }
        return [Span(counts, .dim), Span("   \(first ?? (state.isRunning ? "" : "both say the same"))", .emphasis)]
    }

    private static func ordinal(_ number: Int) -> String {
        let isTeen = (11...13).contains(number % 100)
        return "\(number)" + (isTeen ? "th" : [1: "st", 2: "nd", 3: "rd"][number % 10] ?? "th")
    }

    /// Broken at blanks; words that reach beyond the first `same` characters are set off, so that they differ without colour too.
    static func fold(_ text: String, _ same: Int, _ width: Int) -> [Line] {
        guard width > 0 else { return [] }
        var (lines, place) = ([Line]([[]]), 0)
        for (number, paragraph) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if number > 0 { (lines, place) = (lines + [[]], place + 1) }
            for (index, word) in paragraph.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
                if index > 0 { place += 1 }
                place += word.count
                let blank = lines[lines.count - 1].width > 0 ? " " : ""
                if lines[lines.count - 1].width + VisibleText.width(blank + word) > width, !blank.isEmpty { lines.append([]) }
                let lead = lines[lines.count - 1].width > 0 ? " " : ""
                lines[lines.count - 1].spans.append(Span(lead + word, place > same ? .emphasis : .overlay))
            }
        }
        return lines
    }
}
