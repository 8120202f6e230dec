import Screen

/// What a terminal answers when asked about itself.
package enum TerminalReport: Hashable, Sendable {
    /// Whether updates between two marks are shown at once (mode 2026).
    case synchronizedUpdates(Bool)
    /// The colour behind the text.
    case background(RGB)
    /// The last answer: every terminal gives it, also one that does not know the other questions.
    case identity

    /// The questions, in an order that ends with `identity`.
    package static let questions = "\u{1B}[?2026$p\u{1B}]11;?\u{1B}\\\u{1B}[c"

    /// `CSI ? … $ y` and `CSI ? … c`.
    static func read(_ parameters: [Int], _ intermediates: [UInt8], _ final: UInt8) -> KeyDecoder.Result? {
        if final == UInt8(ascii: "c"), intermediates.isEmpty { return .report(.identity) }
        guard final == UInt8(ascii: "y"), intermediates == [UInt8(ascii: "$")], parameters.count == 2, parameters[0] == 2026 else {
            return nil
        }
        // 1 set, 2 reset; 0 and 4 mean that it is not there.
        return .report(.synchronizedUpdates(parameters[1] == 1 || parameters[1] == 2))
    }

    /// `ESC ] … ` or `ESC P …` up to the end of the string, Bell or `ESC \`.
    static func readString(_ bytes: ArraySlice<UInt8>) -> KeyDecoder.Step {
        let body = bytes.dropFirst(2)
        guard let end = body.firstIndex(where: { $0 == ASCII.bell || $0 == ASCII.escape }) else {
            return body.count > 4096 ? .used(bytes.count, nil) : .incomplete
        }
        let endsWithEscape = bytes[end] == ASCII.escape
        if endsWithEscape, end + 1 == bytes.endIndex { return .incomplete }
        let used = end - bytes.startIndex + (endsWithEscape && bytes[end + 1] == UInt8(ascii: "\\") ? 2 : endsWithEscape ? 0 : 1)
        let isCommand = bytes[bytes.startIndex + 1] == UInt8(ascii: "]")
        return .used(max(used, 2), isCommand ? background(String(decoding: body[..<end], as: UTF8.self)) : nil)
    }

    /// `11;rgb:RRRR/GGGG/BBBB`, one to four digits a channel.
    private static func background(_ text: String) -> KeyDecoder.Result? {
        guard text.hasPrefix("11;rgb:") else { return nil }
        let channels = text.dropFirst(7).split(separator: "/").compactMap { digits -> UInt8? in
            guard (1...4).contains(digits.utf8.count), let value = UInt32(digits, radix: 16) else { return nil }
            return UInt8(value * 255 / ((1 << (4 * UInt32(digits.utf8.count))) - 1))
        }
        return channels.count == 3 ? .report(.background(RGB(channels[0], channels[1], channels[2]))) : nil
    }
}
