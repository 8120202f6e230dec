/// Why a data file cannot be used: the file, the line, the rule that was broken, and what to do.
/// Words of the file stand in it as they are; they are made harmless where text is rendered.
package struct DataError: Error, CustomStringConvertible, Sendable {
    package let file: String
    /// From 1; nil if it is about the file as a whole.
    package let line: Int?
    package let rule: String
    package let remedy: String

    package init(_ file: String, line: Int? = nil, _ rule: String, next remedy: String) {
        self.file = file
        self.line = line
        self.rule = rule
        self.remedy = remedy
    }

    package var description: String { "\(file)\(line.map { " line \($0)" } ?? ""): \(rule). \(remedy)" }
}
