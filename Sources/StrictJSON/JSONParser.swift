/// One pass over the bytes with a cursor; every read is checked against the end.
struct JSONParser {
    private let bytes: UnsafeRawBufferPointer
    private(set) var at = 0
    private var depth = 0

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    mutating func document() throws(JSONError) -> JSONValue {
        try start()
        let value = try self.value()
        try end()
        return value
    }

    /// Steps to the first byte of the value.
    mutating func start() throws(JSONError) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw fault("starts with a byte-order mark; save the file as plain UTF-8") }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) || (bytes.count > 1 && (bytes[0] == 0 || bytes[1] == 0)) {
            throw fault("is UTF-16 or UTF-32; JSON files must be UTF-8")
        }
        skipSpace()
        if at == bytes.count { throw fault("holds no JSON value: the text is empty") }
    }

    /// Nothing but space may follow the value.
    mutating func end() throws(JSONError) {
        skipSpace()
        if at < bytes.count { throw fault("has text after the end of the JSON value") }
    }

    var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while at < bytes.count, JSONError.isSpace(bytes[at]) { at += 1 }
    }

    mutating func value() throws(JSONError) -> JSONValue {
        switch next {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case let byte? where byte == UInt8(ascii: "-") || isDigit(byte): return .number(try number())
        case nil: throw fault("ends early: a value is missing")
        default: throw fault("expects a value (NaN, Infinity, comments and single quotes are not JSON)")
        }
    }

    private mutating func object() throws(JSONError) -> JSONObject {
        var members: [(key: String, value: JSONValue)] = []
        var index: [UTF8Key: Int] = [:]
        try open()
        while try !closes("}", first: members.isEmpty) {
            let start = at
            let key = try self.key()
            if JSONObject.isIndexed(members.count + 1) {
                if index.isEmpty { index = JSONObject.index(of: members) }
                if index.updateValue(members.count, forKey: UTF8Key(key)) != nil { throw twice(key, at: start) }
            } else if members.contains(where: { UTF8Key($0.key) == UTF8Key(key) }) {
                throw twice(key, at: start)
            }
            members.append((key, try value()))
        }
        return JSONObject(members: members, index: index)
    }

    private func twice(_ key: String, at start: Int) -> JSONError { fault("has the key '\(JSONError.excerpt(key))' twice", at: start) }

    private mutating func array() throws(JSONError) -> [JSONValue] {
        var values: [JSONValue] = []
        try open()
        while try !closes("]", first: values.isEmpty) { values.append(try value()) }
        return values
    }

    /// Checks a value as `value` does and makes none.
    mutating func skip() throws(JSONError) {
        let bracket: Unicode.Scalar = next == UInt8(ascii: "{") ? "}" : "]"
        guard next == UInt8(ascii: "{") || next == UInt8(ascii: "[") else {
            _ = try value()
            return
        }
        var isFirst = true
        try open()
        while try !closes(bracket, first: isFirst) {
            if bracket == "}" { _ = try key() }
            try skip()
            isFirst = false
        }
    }

    /// Takes the opening bracket of an object or array.
    mutating func open() throws(JSONError) {
        if !take("{") && !take("[") { throw fault("is not an object or array") }
        depth += 1
        if depth > StrictJSON.maximumDepth { throw fault("is nested deeper than \(StrictJSON.maximumDepth)") }
    }

    /// Whether the object or array ends here; otherwise the comma is taken and a member follows.
    mutating func closes(_ bracket: Unicode.Scalar, first: Bool) throws(JSONError) -> Bool {
        skipSpace()
        if take(bracket) {
            depth -= 1
            return true
        }
        if !first && !take(",") {
            throw fault(at == bytes.count ? "ends early inside an \(bracket == "}" ? "object" : "array")" : "expects ',' or '\(bracket)'")
        }
        skipSpace()
        if !first && next == UInt8(ascii: bracket) { throw fault("has a trailing comma") }
        return false
    }

    /// A key and its colon.
    mutating func key() throws(JSONError) -> String {
        if next != UInt8(ascii: "\"") { throw fault(at == bytes.count ? "ends early inside an object" : "expects a key in double quotes") }
        let key = try string()
        skipSpace()
        if !take(":") {
            throw fault(at == bytes.count ? "ends early inside an object" : "expects ':' after the key '\(JSONError.excerpt(key))'")
        }
        skipSpace()
        return key
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard next == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
        let count = word.utf8CodeUnitCount
        guard at + count <= bytes.count, (0..<count).allSatisfy({ bytes[at + $0] == word.utf8Start[$0] }) else {
            throw fault("expects \(word)")
        }
        at += count
        return value
    }

    // number = [ minus ] int [ frac ] [ exp ], RFC 8259 section 6
    private mutating func number() throws(JSONError) -> JSONNumber {
        let start = at
        _ = take("-")
        if take("0") {
            if let digit = next, isDigit(digit) { throw fault("has a number with a leading zero", at: start) }
        } else {
            try digits(since: start)
        }
        if take(".") { try digits(since: start) }
        if take("e") || take("E") {
            _ = take("+") || take("-")
            try digits(since: start)
        }
        return JSONNumber(literal: String(decoding: UnsafeRawBufferPointer(rebasing: bytes[start..<at]), as: UTF8.self))
    }

    private mutating func digits(since start: Int) throws(JSONError) {
        let first = at
        while let digit = next, isDigit(digit) { at += 1 }
        if at == first { throw fault("has a number without digits", at: start) }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private mutating func string() throws(JSONError) -> String {
        at += 1
        let start = at
        var isASCII = true
        while at < bytes.count {
            let byte = bytes[at]
            switch byte {
            case UInt8(ascii: "\""):
                at += 1
                return try text(start, at - 1, isASCII: isASCII)
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0..<0x20: throw fault("has a raw control character in a string (byte \(byte)); write it as an escape")
            default:
                isASCII = isASCII && byte < 0x80
                at += 1
            }
        }
        throw fault("ends early inside a string")
    }

    /// The slow path: a string with at least one escape.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var content = Array(bytes[start..<at])
        while let byte = next {
            at += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: content, as: UTF8.self) else { throw notUTF8(from: start, to: at) }
                return text
            case UInt8(ascii: "\\"): try escape(into: &content)
            case 0..<0x20: throw fault("has a raw control character in a string (byte \(byte)); write it as an escape", at: at - 1)
            default: content.append(byte)
            }
        }
        throw fault("ends early inside a string")
    }

    private mutating func escape(into content: inout [UInt8]) throws(JSONError) {
        guard let byte = next else { throw fault("ends early inside a string") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: UTF8.encode(try unicodeEscape()) ?? UTF8.encodedReplacementCharacter)
        default: throw fault("has an invalid escape in a string", at: at - 2)
        }
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let start = at - 2
        let high = try hex4(since: start)
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, take("\\"), take("u") else { throw fault("has an invalid \\u escape: a lone surrogate", at: start) }
        let low = try hex4(since: start)
        guard (0xDC00...0xDFFF).contains(low), let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00)) else {
            throw fault("has an invalid \\u escape: a lone surrogate", at: start)
        }
        return scalar
    }

    private mutating func hex4(since start: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = JSONParser.hexadecimal(byte) else {
                throw fault("has an invalid \\u escape: four hexadecimal digits must follow", at: start)
            }
            value = value << 4 | digit
            at += 1
        }
        return value
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    private func text(_ start: Int, _ end: Int, isASCII: Bool) throws(JSONError) -> String {
        let slice = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
        // Validation is slow, and nearly all strings of a header need none.
        if isASCII { return String(decoding: slice, as: UTF8.self) }
        guard let text = String(validating: slice, as: UTF8.self) else { throw notUTF8(from: start, to: end) }
        return text
    }

    private func notUTF8(from start: Int, to end: Int) -> JSONError {
        var position = start
        while position < end {
            let length = UTF8Sequence.length(in: bytes, at: position, end: end)
            if length == 0 { break }
            position += length
        }
        return fault("is not valid UTF-8", at: position)
    }

    func fault(_ rule: String, at offset: Int? = nil) -> JSONError {
        let offset = min(offset ?? at, bytes.count)
        let before = UnsafeRawBufferPointer(rebasing: bytes[..<offset])
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONError(rule: rule, offset: offset, line: line, column: offset - lineStart + 1)
    }
}

/// Well-formed UTF-8 byte sequences (Unicode 15, table 3-7).
enum UTF8Sequence {
    /// The length of the sequence that starts at `at`, or 0 if it is ill-formed.
    static func length(in bytes: UnsafeRawBufferPointer, at: Int, end: Int) -> Int {
        let length =
            switch bytes[at] {
            case 0..<0x80: 1
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 0
            }
        guard length > 0, at + length <= end else { return 0 }
        return String(validating: UnsafeRawBufferPointer(rebasing: bytes[at..<at + length]), as: UTF8.self) == nil ? 0 : length
    }
}
