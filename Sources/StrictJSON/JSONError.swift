/// Where a text stops being JSON, and which rule of RFC 8259 (or limit of ours) it breaks.
package struct JSONError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    /// Byte offset from the start of the text.
    package let offset: Int
    /// From 1; columns are counted in bytes.
    package let line: Int
    package let column: Int

    package var description: String { "line \(line), column \(column): \(rule)" }
}
