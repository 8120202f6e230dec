/// Why a chat template cannot be read or run: the line, and the rule that was broken. Words of the template stand in it as they are,
/// shortened; they are made harmless where text is rendered.
package struct ChatTemplateError: Error, CustomStringConvertible, Sendable {
    /// From 1, in the template's text.
    package let line: Int
    package let rule: String

    package init(line: Int, _ rule: String) {
        self.line = line
        self.rule = rule
    }

    package var description: String { "chat template line \(line): \(rule)" }
}

/// What a template may use at most; templates come with models, and nobody vouches for them.
package enum TemplateLimit {
    package static let steps = 1_000_000
    /// Of the rendered text and of every text made on the way.
    package static let bytes = 1 << 20
    /// Of brackets, statements, macro calls and values.
    package static let nesting = 100
    /// Of evaluation, so that a macro of deep expressions cannot exhaust the stack.
    static let evaluation = 600
    /// Numbers of one `range`, as in Jinja's sandbox (`MAX_RANGE`).
    static let range = 100_000
    /// Of the template's own text.
    static let source = 1 << 20
}
