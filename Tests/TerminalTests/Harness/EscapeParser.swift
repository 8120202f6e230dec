/// A control sequence as a program sent it.
struct EscapeSequence: Hashable, CustomStringConvertible {
    var marker: Character?
    /// nil where a number is left out.
    var parameters: [Int?]
    var intermediates: String
    var final: Character

    /// A parameter, or what it means when left out.
    subscript(_ index: Int, _ standard: Int) -> Int {
        guard parameters.indices.contains(index), let value = parameters[index], value > 0 || standard == 0 else { return standard }
        return value
    }

    /// The first parameter, 1 when left out.
    var count: Int { self[0, 1] }

    var description: String {
        let numbers = parameters.map { $0.map(String.init) ?? "" }.joined(separator: ";")
        return "CSI \(marker.map(String.init) ?? "")\(numbers)\(intermediates)\(final)"
    }
}

/// Splits what a program sends into characters, controls and sequences. Bytes may come in any pieces.
struct EscapeParser {
    enum Item {
        case scalar(Unicode.Scalar)
        case control(UInt8)
        /// What follows Escape, for short sequences: `7`, `(B`.
        case escape(String)
        case sequence(EscapeSequence)
        /// The text of an OSC.
        case command(String)
    }

    private var waiting: [UInt8] = []

    mutating func feed(_ bytes: some Sequence<UInt8>) -> [Item] {
        waiting += bytes
        var items: [Item] = []
        var rest = waiting[...]
        while let (item, count) = EscapeParser.next(rest) {
            if let item { items.append(item) }
            rest = rest.dropFirst(count)
        }
        waiting = Array(rest)
        return items
    }

    /// The item at the front and its length; nil while it is incomplete.
    private static func next(_ bytes: ArraySlice<UInt8>) -> (Item?, Int)? {
        guard let first = bytes.first else { return nil }
        if first == 0x1B { return escape(bytes) }
        if first < 0x20 || first == 0x7F { return (.control(first), 1) }
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        guard bytes.count >= length else { return nil }
        let scalar = String(decoding: bytes.prefix(length), as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
        return (.scalar(scalar), length)
    }

    private static func escape(_ bytes: ArraySlice<UInt8>) -> (Item?, Int)? {
        let body = bytes.dropFirst(2)
        guard let second = bytes.dropFirst().first else { return nil }
        switch second {
        case UInt8(ascii: "["):
            guard let end = body.firstIndex(where: { (0x40...0x7E).contains($0) }) else { return nil }
            return (.sequence(sequence(body[..<end], bytes[end])), end - bytes.startIndex + 1)
        case UInt8(ascii: "]"):
            guard let end = body.firstIndex(where: { $0 == 0x07 || $0 == 0x1B }) else { return nil }
            // The string terminator's backslash comes as an escape of its own.
            let used = end - bytes.startIndex + (bytes[end] == 0x07 ? 1 : 0)
            return (.command(String(decoding: body[..<end], as: UTF8.self)), used)
        case UInt8(ascii: "("), UInt8(ascii: ")"):
            guard let third = body.first else { return nil }
            return (.escape(String(decoding: [second, third], as: UTF8.self)), 3)
        default: return (.escape(String(decoding: [second], as: UTF8.self)), 2)
        }
    }

    private static func sequence(_ body: ArraySlice<UInt8>, _ final: UInt8) -> EscapeSequence {
        var text = String(decoding: body, as: UTF8.self)
        let marker = text.first.flatMap { "<=>?".contains($0) ? $0 : nil }
        if marker != nil { text.removeFirst() }
        let intermediates = text.filter { $0 < "0" }
        let numbers = text.filter { $0 >= "0" }.split(separator: ";", omittingEmptySubsequences: false).map { Int($0) }
        return EscapeSequence(
            marker: marker, parameters: numbers, intermediates: intermediates, final: Character(Unicode.Scalar(final)))
    }
}
