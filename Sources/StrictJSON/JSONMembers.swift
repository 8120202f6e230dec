/// The members of an object text one by one, so that a file with a million of them need not be held as values.
/// Unlike `StrictJSON.parse` it keeps no keys, hence finds no duplicates: the caller, who has a table of its own, does.
package struct JSONMembers {
    private var parser: JSONParser
    private var isFirst = true

    /// `bytes` is read in place and must outlive the reader.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        parser = JSONParser(bytes: bytes)
        try parser.start()
        try parser.open()
    }

    /// The next member, or nil after the last, when the rest of the text has been checked to be space.
    package mutating func next() throws(JSONError) -> (key: String, value: JSONValue)? {
        if try parser.closes(first: isFirst) {
            try parser.end()
            return nil
        }
        isFirst = false
        return (try parser.key(), try parser.value())
    }
}
