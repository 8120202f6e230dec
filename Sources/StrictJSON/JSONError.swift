/// Where a text stops being JSON, and which rule of RFC 8259 (or limit of ours) it breaks.
package struct JSONError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    /// Byte offset from the start of the text.
    package let offset: Int
    /// From 1; columns are counted in bytes.
    package let line: Int
    package let column: Int

    package var description: String { "line \(line), column \(column): \(rule)" }

    /// The beginning of a text from the file: a message stays short however long the text is.
    package static func excerpt(_ text: String, limit: Int = 120) -> String {
        text.utf8.count <= limit ? text : String(text.unicodeScalars.prefix(limit)) + "…"
    }

    /// The four space characters of JSON.
    package static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}
