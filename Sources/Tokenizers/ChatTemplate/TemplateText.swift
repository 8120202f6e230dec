import Foundation
import StrictJSON

/// Work on strings by Unicode scalars, as Python does it; Swift's characters would join what Python keeps apart.
enum TemplateText {
    /// Where `part` stands in `text`, from the left without overlaps; nowhere if it is empty.
    static func ranges(of part: String, in text: String, limit: Int = .max) -> [Range<String.Index>] {
        let (text, part) = (text.utf8, Array(part.utf8))
        guard let head = part.first else { return [] }
        var found: [Range<String.Index>] = []
        var at = text.startIndex
        while found.count < limit, let start = text[at...].firstIndex(of: head) {
            if let end = text.index(start, offsetBy: part.count, limitedBy: text.endIndex), text[start..<end].elementsEqual(part) {
                found.append(start..<end)
                at = end
            } else {
                at = text.index(after: start)
            }
        }
        return found
    }

    static func parts(of text: String, at ranges: [Range<String.Index>]) -> [String] {
        var parts: [String] = []
        var start = text.startIndex
        for range in ranges {
            parts.append(String(text[start..<range.lowerBound]))
            start = range.upperBound
        }
        return parts + [String(text[start...])]
    }

    /// Without white space, or without the scalars of `set`, at its ends.
    static func trimmed(_ text: String, _ set: String?, left: Bool = true, right: Bool = true) -> String {
        let drops = set.map { Set($0.unicodeScalars) }
        let isDropped = { (scalar: Unicode.Scalar) in drops?.contains(scalar) ?? isSpace(scalar) }
        var scalars = Substring(text).unicodeScalars
        if left { while let first = scalars.first, isDropped(first) { scalars.removeFirst() } }
        if right { while let last = scalars.last, isDropped(last) { scalars.removeLast() } }
        return String(scalars)
    }

    /// White space by Python's `str.isspace`: the separators of information (0x1C–0x1F) count, too.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace || (0x1C...0x1F).contains(scalar.value) }

    /// Words between white space.
    static func words(_ text: String, limit: Int = .max) -> [String] {
        text.unicodeScalars.split(maxSplits: limit, whereSeparator: isSpace).map { String($0) }
    }

    static func capitalized(_ text: String) -> String {
        guard let first = text.unicodeScalars.first else { return text }
        return first.properties.titlecaseMapping + String(text.unicodeScalars.dropFirst()).lowercased()
    }

    /// Each run of letters with a capital first, as Jinja's `title` filter and, more finely cut, Python's method do it.
    static func titled(_ text: String, where isBreak: (Unicode.Scalar) -> Bool) -> String {
        var result = ""
        var begins = true
        for scalar in text.unicodeScalars {
            result += begins ? scalar.properties.titlecaseMapping : scalar.properties.lowercaseMapping
            begins = isBreak(scalar)
        }
        return result
    }

    static func escaped(_ text: String) -> String {
        let names: [Unicode.Scalar: String] = ["&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", "\"": "&#34;"]
        return text.unicodeScalars.map { names[$0] ?? String($0) }.joined()
    }

    /// A message that a template gives, shortened.
    static func excerpt(_ text: String) -> String { JSONError.excerpt(text, limit: 200) }

    /// Spaces before each line but the first.
    static func indented(_ text: String, by indent: String, first: Bool, blank: Bool) -> String {
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { String($0) }
        return lines.enumerated().map { index, line in
            (index == 0 ? first : blank || !line.isEmpty) ? indent + line : line
        }.joined(separator: "\n")
    }
}

/// Numbers by Python's rules.
enum TemplateNumbers {
    /// The elements that `[first:end:stride]` takes of `count`.
    static func slice(_ count: Int, _ first: Int?, _ end: Int?, _ stride: Int) -> StrideTo<Int> {
        let clamped = { (bound: Int, low: Int, high: Int) in min(max(bound < 0 ? max(bound, -count) + count : bound, low), high) }
        // A bound before the first element stays before it when going backwards.
        let backwards = { (bound: Int) in bound < -count ? -1 : clamped(bound, -1, count - 1) }
        if stride > 0 {
            return Swift.stride(from: clamped(first ?? 0, 0, count), to: clamped(end ?? count, 0, count), by: min(stride, count + 1))
        }
        return Swift.stride(from: first.map(backwards) ?? count - 1, to: end.map(backwards) ?? -1, by: max(stride, -count - 1))
    }

    static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

    /// As Python prints a float: `1.0`, `1e-05`, `1e+16`.
    static func text(_ number: Double, json: Bool = false) -> String {
        if number.isNaN { return json ? "NaN" : "nan" }
        if number.isInfinite { return (number < 0 ? "-" : "") + (json ? "Infinity" : "inf") }
        let text = "\(number)"
        guard let mark = text.firstIndex(of: "e") else { return text }
        var mantissa = String(text[..<mark])
        let exponent = Int(text[text.index(after: mark)...]) ?? 0
        if exponent >= 0, exponent < 16 { return "\(number)" }
        if exponent == -4 || mantissa.isEmpty { return small(mantissa, exponent) }
        if mantissa.hasSuffix(".0") { mantissa.removeLast(2) }
        let digits = String(exponent.magnitude)
        return mantissa + "e" + (exponent < 0 ? "-" : "+") + (digits.utf8.count < 2 ? "0" : "") + digits
    }

    /// Swift writes 0.0001 as 1e-04, Python as it stands here.
    private static func small(_ mantissa: String, _ exponent: Int) -> String {
        var digits = mantissa.filter { $0 != "." && $0 != "-" }
        if mantissa.hasSuffix(".0") { digits.removeLast() }
        return (mantissa.hasPrefix("-") ? "-" : "") + "0." + String(repeating: "0", count: -exponent - 1) + digits
    }
}
