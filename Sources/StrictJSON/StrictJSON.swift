/// A strict parser of bytes (RFC 8259): no trailing commas, no duplicate keys, no byte-order mark, no UTF-16, no NaN, no lone
/// surrogates, nothing after the value. Foundation's parsers accept several of these, and disagree with each other on duplicates.
package enum StrictJSON {
    /// Nesting deeper than this is refused, so that no file can exhaust the stack.
    package static let maximumDepth = 128

    package static func parse(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
        try result(of: bytes.withUnsafeBytes { raw in Result { () throws(JSONError) in try parse(raw) } })
    }

    /// `bytes` is read in place; nothing of it is referred to afterwards.
    package static func parse(_ bytes: UnsafeRawBufferPointer) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        return try parser.document()
    }

    private static func result(of result: Result<JSONValue, JSONError>) throws(JSONError) -> JSONValue { try result.get() }
}
