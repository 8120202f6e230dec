/// The clipboard by way of the terminal: OSC 52, which also works through ssh.
enum Clipboard {
    /// Terminals drop longer texts, and some get stuck in them.
    private static let longest = 74_994

    /// The sequence that copies a text; nil if it is too long.
    static func sequence(_ text: String) -> String? {
        let encoded = base64(Array(text.utf8))
        return encoded.utf8.count <= longest ? "\u{1B}]52;c;\(encoded)\u{07}" : nil
    }

    static func base64(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".unicodeScalars)
        var text = String.UnicodeScalarView()
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).map { start + $0 < bytes.count ? UInt32(bytes[start + $0]) : 0 }
            let value = group[0] << 16 | group[1] << 8 | group[2]
            for place in 0..<4 {
                let isPadding = start + place > bytes.count
                text.append(isPadding ? "=" : digits[Int(value >> (18 - 6 * UInt32(place)) & 63)])
            }
        }
        return String(text)
    }
}
