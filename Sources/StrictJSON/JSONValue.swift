/// A JSON document. Object keys are compared by their UTF-8 bytes: Swift's `String` equality is Unicode-canonical, under which
/// distinct vocabulary entries and tensor names (é composed and decomposed) would collide.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// What kind of value this is, in the words of RFC 8259, for error messages.
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    package var string: String? { if case .string(let text) = self { text } else { nil } }
    package var bool: Bool? { if case .bool(let flag) = self { flag } else { nil } }
    package var number: JSONNumber? { if case .number(let number) = self { number } else { nil } }
    package var integer: Int? { number?.integer }
    package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
    package var object: JSONObject? { if case .object(let object) = self { object } else { nil } }
    package var isNull: Bool { if case .null = self { true } else { false } }
}

/// A number as it was written, so that 2^64 and 0.0 in a place for integers are seen and not rounded away.
package struct JSONNumber: Sendable {
    package let literal: String

    package init(literal: String) { self.literal = literal }

    /// The exact value if it is written as an integer (no point, no exponent) that fits 64 bits.
    package var integer: Int? { Int(literal) }
    /// Whether it is written as an integer, of any size.
    package var isInteger: Bool { !literal.utf8.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") } }
    /// Whether it is written with a minus; -0 is, too.
    package var isNegative: Bool { literal.utf8.first == UInt8(ascii: "-") }
    /// The nearest double; a magnitude beyond its range gives an infinity.
    package var double: Double { Double(literal) ?? .nan }
}

/// The members of an object in file order, found by the bytes of their key.
package struct JSONObject: Sendable {
    package let members: [(key: String, value: JSONValue)]
    private let index: [UTF8Key: Int]

    init(members: [(key: String, value: JSONValue)], index: [UTF8Key: Int]) {
        self.members = members
        self.index = index
    }

    /// An object of members whose keys differ; of two that are equal, the first is found.
    package init(_ members: [(key: String, value: JSONValue)]) {
        let isIndexed = JSONObject.isIndexed(members.count)
        self.init(
            members: members,
            index: isIndexed ? Dictionary(members.enumerated().map { (UTF8Key($0.element.key), $0.offset) }) { first, _ in first } : [:])
    }

    package subscript(_ key: String) -> JSONValue? {
        if JSONObject.isIndexed(members.count) { return index[UTF8Key(key)].map { members[$0].value } }
        return members.first { UTF8Key($0.key) == UTF8Key(key) }?.value
    }

    package var count: Int { members.count }

    /// Few members are found faster one by one than in a table, and files with many small objects stay small in memory.
    static func isIndexed(_ count: Int) -> Bool { count > 8 }

    static func index(of members: [(key: String, value: JSONValue)]) -> [UTF8Key: Int] {
        Dictionary(uniqueKeysWithValues: members.enumerated().map { (UTF8Key($0.element.key), $0.offset) })
    }
}

/// A string that is equal to another only if their UTF-8 bytes are.
package struct UTF8Key: Hashable, Sendable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func == (a: UTF8Key, b: UTF8Key) -> Bool {
        var (a, b) = (a.text, b.text)
        return a.withUTF8 { a in b.withUTF8 { b in a.elementsEqual(b) } }
    }

    package func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
