import Screen

/// Bytes that terminals send, and what text they are.
enum ASCII {
    static let escape: UInt8 = 0x1B
    static let bell: UInt8 = 0x07

    /// The UTF-8 character at the front; a byte that cannot begin or go on one is dropped.
    static func scalar(_ bytes: ArraySlice<UInt8>) -> KeyDecoder.Step {
        guard let first = bytes.first, let length = length(first) else { return .used(1, nil) }
        let tail = bytes.dropFirst().prefix(length - 1)
        guard tail.allSatisfy({ $0 & 0xC0 == 0x80 }) else { return .used(1, nil) }
        guard bytes.count >= length else { return .incomplete }
        var decoder = UTF8()
        var iterator = bytes.prefix(length).makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&iterator) else { return .used(length, nil) }
        return .used(length, .event(.key(Key(scalar))))
    }

    private static func length(_ first: UInt8) -> Int? {
        switch first {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: nil
        }
    }

    /// Pasted bytes as text: terminals send a carriage return for each line's end.
    static func pasteText(_ bytes: some Collection<UInt8>) -> String {
        var lines: [UInt8] = []
        lines.reserveCapacity(bytes.count)
        var previous: UInt8 = 0
        for byte in bytes {
            if byte == 0x0A, previous == 0x0D {
                previous = byte
                continue
            }
            lines.append(byte == 0x0D ? 0x0A : byte)
            previous = byte
        }
        return String(decoding: lines, as: UTF8.self)
    }
}
