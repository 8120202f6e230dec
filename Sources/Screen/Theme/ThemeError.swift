/// What is wrong with a theme: the file, the key or value, the rule, and what to do.
package struct ThemeError: Error, Hashable, Sendable, CustomStringConvertible {
    package var file: String
    package var problem: String
    package var advice: String

    package init(file: String, problem: String, advice: String) {
        (self.file, self.problem, self.advice) = (file, problem, advice)
    }

    /// One harmless line.
    package var description: String {
        VisibleText.line("\(file): \(problem); \(advice)")
    }
}
