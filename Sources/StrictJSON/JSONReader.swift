/// Walks through a JSON text without building values of it, for files with a million entries and for texts that nobody vouches for: what
/// is not asked for is checked and forgotten, so a small text cannot make a large value.
///
/// Unlike `StrictJSON.parse` it keeps no keys, hence finds no duplicates: the caller, who has a table of its own, does.
package struct JSONReader {
    private var parser: JSONParser
    /// One entry an open object or array: whether nothing of it has been read.
    private var isFirst: [Bool] = []

    /// `bytes` is read in place and must outlive the reader.
    package init(_ bytes: UnsafeRawBufferPointer) throws(JSONError) {
        parser = JSONParser(bytes: bytes)
        try parser.start()
    }

    /// Bytes of the text that have been read.
    package var offset: Int { parser.at }
    package var isAtObject: Bool { parser.next == UInt8(ascii: "{") }
    package var isAtArray: Bool { parser.next == UInt8(ascii: "[") }

    /// Enters the object or array at which the reader stands.
    package mutating func open() throws(JSONError) {
        try parser.open()
        isFirst.append(true)
    }

    /// The next key of the innermost object; nil at its end, which is passed.
    package mutating func nextKey() throws(JSONError) -> String? { try closes("}") ? nil : try parser.key() }

    /// Whether the innermost array has another element; at its end, that is passed.
    package mutating func nextElement() throws(JSONError) -> Bool { try !closes("]") }

    /// The value at which the reader stands; an object or array is passed over and given as an empty one.
    package mutating func scalar() throws(JSONError) -> JSONValue {
        if isAtObject {
            try parser.skip()
            return .object(JSONObject(members: [], index: [:]))
        }
        if isAtArray {
            try parser.skip()
            return .array([])
        }
        return try parser.value()
    }

    /// Nothing but space may follow the outermost value.
    package mutating func end() throws(JSONError) { try parser.end() }

    /// An error at the place where the reader stands.
    package func fault(_ rule: String) -> JSONError { parser.fault(rule) }

    private mutating func closes(_ bracket: Unicode.Scalar) throws(JSONError) -> Bool {
        guard let first = isFirst.last else { throw parser.fault("is read past its end") }
        isFirst[isFirst.count - 1] = false
        guard try parser.closes(bracket, first: first) else { return false }
        isFirst.removeLast()
        return true
    }
}
