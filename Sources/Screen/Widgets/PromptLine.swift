/// A line being typed, with a prompt before and completions or an error behind it.
package struct PromptLine: Hashable, Sendable {
    package var prompt: String
    package var text: String
    /// The cursor, in characters of the text.
    package var cursor: Int
    package var completions: [String]
    package var selectedCompletion: Int?
    package var message: Span?

    package init(
        _ prompt: String, _ text: String, cursor: Int? = nil, completions: [String] = [], selectedCompletion: Int? = nil,
        message: Span? = nil
    ) {
        (self.prompt, self.text, self.completions, self.message) = (prompt, text, completions, message)
        self.cursor = min(max(cursor ?? text.count, 0), text.count)
        self.selectedCompletion = selectedCompletion
    }

    /// Draws the line and places the terminal's cursor. A long text is shifted so that the cursor stays in sight.
    package func draw(into surface: inout Surface, in rect: Rect) {
        surface.clipped(to: rect) { surface in
            surface.fill(rect, .text)
            let start = rect.x + surface.put(rect.x, rect.y, prompt, .prompt)
            let before = VisibleText.width(String(text.prefix(cursor)))
            let shift = max(0, before - max(rect.right - start - 2, 0))
            var end = start
            surface.clipped(to: Rect(start, rect.y, rect.right - start, 1)) { surface in
                end = start - shift + surface.put(start - shift, rect.y, text, .prompt)
                let caret = Point(start - shift + before, rect.y)
                surface.put(caret.x, caret.y, "\(cursorCharacter)", .caret)
            }
            if rect.contains(Point(start - shift + before, rect.y)) { surface.caret = Point(start - shift + before, rect.y) }
            drawBehind(&surface, max(end, start - shift + before + 1) + 2, rect)
        }
    }

    /// The character under the cursor.
    private var cursorCharacter: String {
        let rest = text.dropFirst(cursor)
        return rest.first.map { String($0) } ?? " "
    }

    private func drawBehind(_ surface: inout Surface, _ start: Int, _ rect: Rect) {
        var x = start
        if let message { x += surface.put(x, rect.y, Line([message]), width: max(0, rect.right - x)) + 2 }
        for (index, completion) in completions.enumerated() where x < rect.right {
            x += surface.put(x, rect.y, completion, index == selectedCompletion ? .select : .hint) + 2
        }
    }
}
