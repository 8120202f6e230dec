/// Text broken into lines: headings, lists, code and emphasis of a small Markdown.
package struct Prose: Hashable, Sendable {
    package var lines: [Line]

    /// Plain text, broken at blanks; newlines stay.
    package static func wrap(_ text: String, width: Int, role: Role = .text) -> [Line] {
        text.split(separator: "\n", omittingEmptySubsequences: false).flatMap { paragraph in
            wrap(words(String(paragraph), role), width: width)
        }
    }

    /// Markdown of headings (`#`), lists (`-`), fenced or indented code, `code` and `*emphasis*`.
    package init(markdown: String, width: Int) {
        var (lines, isCode) = ([Line](), false)
        for row in markdown.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if row.hasPrefix("```") {
                isCode.toggle()
            } else if isCode || row.hasPrefix("    ") {
                lines.append(Line(row, .formula))
            } else {
                lines += Prose.block(row, width)
            }
        }
        self.lines = lines
    }

    package init(lines: [Line]) { self.lines = lines }

    /// Draws the lines from `first` on.
    package func draw(into surface: inout Surface, in rect: Rect, first: Int = 0) {
        surface.clipped(to: rect) { surface in
            for (row, line) in lines.dropFirst(max(first, 0)).prefix(rect.height).enumerated() {
                surface.put(rect.x, rect.y + row, line, width: rect.width)
            }
        }
    }

    private static func block(_ row: String, _ width: Int) -> [Line] {
        if row.hasPrefix("#") {
            let title = row.drop { $0 == "#" }.drop { $0 == " " }
            return wrap(words(String(title), .heading), width: width)
        }
        for mark in ["- ", "* "] where row.hasPrefix(mark) {
            let wrapped = wrap(inline(String(row.dropFirst(2))), width: width - 2)
            return wrapped.enumerated().map { Line([Span($0 == 0 ? "• " : "  ", .accent)] + $1.spans) }
        }
        return wrap(inline(row), width: width)
    }

    /// Words with their styles, split at blanks; marks of code and emphasis are taken off.
    private static func inline(_ text: String) -> [Span] {
        var (spans, role, word) = ([Span](), Role.text, "")
        for character in text {
            switch character {
            case "`" where role != .emphasis, "*" where role != .code:
                spans += words(word, role)
                word = ""
                role = role == .text ? (character == "`" ? .code : .emphasis) : .text
            default: word.append(character)
            }
        }
        return spans + words(word, role)
    }

    /// Text as pieces between which a line may break: each blank is a piece of its own.
    private static func words(_ text: String, _ role: Role) -> [Span] {
        var pieces: [Span] = []
        for character in text {
            if character == " " || pieces.isEmpty || pieces[pieces.count - 1].text == " " {
                pieces.append(Span(String(character), role))
            } else {
                pieces[pieces.count - 1].text.append(character)
            }
        }
        return pieces
    }

    private static func wrap(_ pieces: [Span], width: Int) -> [Line] {
        var (lines, line, used) = ([Line](), [Span](), 0)
        for piece in pieces.flatMap({ fitting($0, max(width, 1)) }) {
            if used + piece.width > width, piece.text != " " {
                lines.append(Line(trimmed(line)))
                (line, used) = ([], 0)
            }
            if line.isEmpty, piece.text == " ", !lines.isEmpty { continue }
            line.append(piece)
            used += piece.width
        }
        return lines + [Line(trimmed(line))]
    }

    /// A word that is longer than a line, cut into pieces that are not.
    private static func fitting(_ word: Span, _ width: Int) -> [Span] {
        guard word.width > width else { return [word] }
        var (pieces, rest) = ([Span](), VisibleText.clusters(word.text)[...])
        while !rest.isEmpty {
            var (part, used) = ([VisibleText.Cluster](), 0)
            while let next = rest.first, used + next.width <= width || part.isEmpty {
                part.append(rest.removeFirst())
                used += next.width
            }
            pieces.append(Span(VisibleText.string(part), style: word.style, word.attributes))
        }
        return pieces
    }

    private static func trimmed(_ line: [Span]) -> [Span] {
        Array(line.reversed().drop { $0.text == " " }.reversed())
    }
}
