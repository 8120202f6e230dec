/// The escapes of a string in a template, which are Python's; an unknown one stands for itself.
enum TemplateEscapes {
    private static let single: [UInt8: UInt8] = [
        UInt8(ascii: "n"): 0x0A, UInt8(ascii: "t"): 0x09, UInt8(ascii: "r"): 0x0D, UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08,
        UInt8(ascii: "f"): 0x0C, UInt8(ascii: "v"): 0x0B, UInt8(ascii: "0"): 0x00, UInt8(ascii: "\\"): 0x5C, UInt8(ascii: "'"): 0x27,
        UInt8(ascii: "\""): 0x22,
    ]
    /// Digits after `\x`, `\u`, `\U`.
    private static let digits: [UInt8: Int] = [UInt8(ascii: "x"): 2, UInt8(ascii: "u"): 4, UInt8(ascii: "U"): 8]

    static func text(_ bytes: ArraySlice<UInt8>) -> String {
        var out: [UInt8] = []
        var at = bytes.startIndex
        while at < bytes.endIndex {
            guard bytes[at] == UInt8(ascii: "\\"), at + 1 < bytes.endIndex else {
                out.append(bytes[at])
                at += 1
                continue
            }
            at += 1
            at += escape(bytes[at...], &out)
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Writes what stands after a backslash, and returns its length.
    private static func escape(_ rest: ArraySlice<UInt8>, _ out: inout [UInt8]) -> Int {
        let kind = rest[rest.startIndex]
        if let byte = single[kind] {
            out.append(byte)
            return 1
        }
        if kind == 0x0A { return 1 }
        if let count = digits[kind], let scalar = scalar(rest.dropFirst().prefix(count), count) {
            out += Array(String(Character(scalar)).utf8)
            return 1 + count
        }
        out.append(UInt8(ascii: "\\"))
        out.append(kind)
        return 1
    }

    private static func scalar(_ digits: ArraySlice<UInt8>, _ count: Int) -> Unicode.Scalar? {
        guard digits.count == count, digits.allSatisfy({ isHex($0) }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16).flatMap(Unicode.Scalar.init)
    }

    private static func isHex(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20) }
}
