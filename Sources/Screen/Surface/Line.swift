/// A piece of text in one style.
package struct Span: Hashable, Sendable {
    package var text: String
    package var style: Style
    package var attributes: Attributes

    package init(_ text: String, _ role: Role = .text, _ attributes: Attributes = []) {
        self.init(text, style: .role(role), attributes)
    }

    package init(_ text: String, style: Style, _ attributes: Attributes = []) {
        (self.text, self.style, self.attributes) = (text, style, attributes)
    }

    package var width: Int { VisibleText.width(text) }
}

/// A line of text in several styles.
package struct Line: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    package var spans: [Span]

    package init(_ spans: [Span]) { self.spans = spans }
    package init(_ text: String, _ role: Role = .text) { spans = [Span(text, role)] }
    package init(stringLiteral text: String) { self.init(text) }
    package init(arrayLiteral spans: Span...) { self.spans = spans }

    package var width: Int { spans.reduce(0) { $0 + $1.width } }
    /// The text without styles.
    package var text: String { spans.map(\.text).joined() }
}

extension Surface {
    /// Puts a line of several styles into `columns` at most, `…` in the last one if it is cut. Says how many columns it takes.
    @discardableResult
    package mutating func put(_ x: Int, _ y: Int, _ line: Line, width columns: Int = Int(Int32.max)) -> Int {
        var used = 0
        for (index, span) in line.spans.enumerated() where used < columns {
            let rest = line.spans[(index + 1)...].contains { $0.width > 0 }
            let room = columns - used
            // A blank more than fits makes `cut` end in an ellipsis where the next span has no room.
            let text = span.width > room || (rest && span.width == room) ? VisibleText.cut(span.text + " ", to: room) : span.text
            used += put(x + used, y, text, style: span.style, attributes: span.attributes)
        }
        return used
    }
}
