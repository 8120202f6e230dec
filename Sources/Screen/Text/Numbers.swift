import Foundation

/// Numbers as text: one exponent style, a point and never a comma, whatever the locale.
package enum Numbers {
    /// A stored 32-bit value to its last bit, as `%.9g`.
    package static func exact(_ value: Float) -> String {
        special(Double(value)) ?? format("%.9g", Double(value))
    }

    /// A stored 64-bit value to its last bit, as `%.17g`.
    package static func exact(_ value: Double) -> String {
        special(value) ?? format("%.17g", value)
    }

    /// Three significant digits, or as many as asked for: `0.0441`, `22.6`, `1.23e-05`, `12346`.
    package static func compact(_ value: Double, digits: Int = 3) -> String {
        if let text = special(value) { return text }
        if value == 0 { return value.sign == .minus ? "-0" : "0" }
        let size = abs(value)
        guard size >= 1e-4, size < 1e6 else { return format("%.\(max(digits - 1, 0))e", value) }
        let whole = Int(log10(size).rounded(.down)) + 1
        return format("%.\(min(max(digits - whole, 0), 9))f", value)
    }

    package static func compact(_ value: Float, digits: Int = 3) -> String {
        compact(Double(value), digits: digits)
    }

    /// So many decimals, for columns.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        if let special = special(value) { return special }
        let text = format("%.\(decimals)f", value)
        return text.hasPrefix("-") && text.allSatisfy { "-0.".contains($0) } ? String(text.dropFirst()) : text
    }

    /// A value with its sign always written, as on the ends of a colour bar.
    package static func signed(_ value: Double, digits: Int = 3) -> String {
        value > 0 && value.isFinite ? "+" + compact(value, digits: digits) : compact(value, digits: digits)
    }

    /// Three digits without zeros at the end, as on axes: `-0.31`, `1`, `1.5e-07`.
    package static func label(_ value: Double, digits: Int = 3) -> String {
        let parts = compact(value, digits: digits).split(separator: "e", maxSplits: 1)
        guard let number = parts.first, number.contains(".") else { return compact(value, digits: digits) }
        let short = number.reversed().drop { $0 == "0" }.drop { $0 == "." }.reversed()
        return String(short) + (parts.count > 1 ? "e" + parts[1] : "")
    }

    /// A whole number with commas: `262,144`.
    package static func count(_ value: Int) -> String {
        let digits = Array(String(value.magnitude).utf8.reversed())
        var result: [UInt8] = []
        for (index, digit) in digits.enumerated() {
            if index > 0, index % 3 == 0 { result.append(UInt8(ascii: ",")) }
            result.append(digit)
        }
        return (value < 0 ? "-" : "") + String(decoding: result.reversed(), as: UTF8.self)
    }

    /// A whole number in at most five columns: `950`, `28.6M`, `1.24B`.
    package static func short(_ value: Int) -> String {
        let size = Double(value.magnitude)
        let units: [(Double, String)] = [(1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")]
        guard let (unit, name) = units.first(where: { size >= $0.0 }), size >= 1e4 else { return String(value) }
        let scaled = size / unit
        return (value < 0 ? "-" : "") + format(scaled < 10 ? "%.2f" : scaled < 100 ? "%.1f" : "%.0f", scaled) + name
    }

    /// Bytes in binary units: `1.2 GiB`.
    package static func bytes(_ value: Int) -> String {
        let units: [(Double, String)] = [
            (1_099_511_627_776, "TiB"), (1_073_741_824, "GiB"), (1_048_576, "MiB"), (1024, "KiB"),
        ]
        let size = Double(value.magnitude)
        guard let (unit, name) = units.first(where: { size >= $0.0 }) else { return "\(value) B" }
        return (value < 0 ? "-" : "") + format("%.1f", size / unit) + " " + name
    }

    /// A value in a cell of `columns`: as many decimals as fit, without the leading zero if need be, else an exponent. A value that is
    /// not zero reads as zero only where nothing else fits; nil if nothing fits.
    package static func fitting(_ value: Double, columns: Int) -> String? {
        let texts = candidates(value).filter { $0.utf8.count <= columns }
        return texts.first { value == 0 || !readsAsZero($0) } ?? texts.first
    }

    private static func candidates(_ value: Double) -> [String] {
        if let text = special(value) { return [text, "N", value < 0 ? "-∞" : "∞"] }
        if value == 0 { return ["0.000", "0.00", "0.0", "0"] }
        let whole = abs(value) < 1 ? 1 : Int(log10(abs(value))) + 1
        let most = max(0, min(3, 4 - whole))
        let plain = stride(from: most, through: min(1, most), by: -1).map { format("%.\($0)f", value) }.flatMap { [$0, withoutZero($0)] }
        let rounded = abs(value) >= 1 ? [format("%.0f", value)] : []
        return plain + (whole <= 6 ? rounded : []) + [format("%.1e", value), format("%.0e", value)] + rounded
    }

    private static func readsAsZero(_ text: String) -> Bool {
        text.utf8.allSatisfy { "0.-".utf8.contains($0) }
    }

    /// Text on the right of `columns`.
    package static func right(_ text: String, _ columns: Int) -> String {
        String(repeating: " ", count: max(0, columns - VisibleText.width(text))) + text
    }

    private static func withoutZero(_ text: String) -> String {
        if text.hasPrefix("0.") { return String(text.dropFirst()) }
        return text.hasPrefix("-0.") ? "-" + text.dropFirst(2) : text
    }

    private static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        guard value.isInfinite else { return nil }
        return value < 0 ? "-Inf" : "+Inf"
    }

    /// `printf` with a point, even after `setlocale` chose a comma.
    static func format(_ format: String, _ value: Double) -> String {
        String(format: format, value).replacingOccurrences(of: ",", with: ".")
    }
}
