import StrictJSON

/// Why a tokenizer cannot be loaded: the file, the rule that was broken (with the value that broke it), and what to do.
package struct TokenizerError: Error, CustomStringConvertible, Sendable {
    package let file: String
    package let rule: String
    package let remedy: String

    package init(file: String, rule: String, remedy: String) {
        self.file = file
        self.rule = rule
        self.remedy = remedy
    }

    /// The file of JSON as downloaded is damaged; most broken files are broken downloads.
    static let downloadAgain = "Download the file again, or open another model."

    package var description: String { "cannot load \(Quoted.plain(file)): \(rule). \(remedy)" }
}

/// Words from a file, made fit for a one-line message: shortened, and without control characters.
enum Quoted {
    static let limit = 60

    /// `text` in single quotes.
    static func text(_ text: String) -> String {
        let scalars = text.unicodeScalars
        let head = harmless(scalars.prefix(limit))
        return scalars.dropFirst(limit).isEmpty ? "'\(head)'" : "'\(head)…'"
    }

    /// A path or a parser's message, with its control characters written as `<0x1B>`.
    static func plain(_ text: String) -> String { harmless(text.unicodeScalars.prefix(1000)) }

    private static func harmless(_ scalars: some Sequence<Unicode.Scalar>) -> String {
        scalars.map(spelling).joined()
    }

    private static func spelling(_ scalar: Unicode.Scalar) -> String {
        switch scalar.properties.generalCategory {
        case .control where scalar.value < 0x100:
            "<0x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true) + ">"
        case .control, .format, .lineSeparator, .paragraphSeparator:
            "<U+" + String(scalar.value, radix: 16, uppercase: true) + ">"
        default: String(Character(scalar))
        }
    }
}
