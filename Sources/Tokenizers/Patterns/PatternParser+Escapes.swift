/// Escapes and character classes.
extension PatternParser {
    private static let controls: [UInt32: UInt32] = [
        0x6E: 0x0A, 0x72: 0x0D, 0x74: 0x09, 0x66: 0x0C, 0x76: 0x0B, 0x61: 0x07, 0x65: 0x1B,
    ]

    /// What follows a backslash outside a class.
    mutating func escape(_ start: Int) throws(PatternError) -> PatternNode {
        if take("b") { return .boundary(.word) }
        if take("B") { return .boundary(.notWord) }
        if take("A") { return .boundary(.textStart) }
        if take("z") { return .boundary(.textEnd) }
        if let character = next, (0x31...0x39).contains(character) || isNext("k") || isNext("g") {
            throw .notLinear("a back-reference", start)
        }
        let set = try escapedSet(start, word: .word)
        // Classes outside of brackets do not heed (?i).
        if case .range = set { return .set(try folded(set, start)) }
        return .set(set)
    }

    /// An escape that stands for a character or a class, in or outside of brackets.
    private mutating func escapedSet(_ start: Int, word: KindSet) throws(PatternError) -> ScalarSet {
        if take("p") { return try property(start, negated: false) }
        if take("P") { return try property(start, negated: true) }
        if let set = shorthand(word) { return set }
        return .scalar(try escapedScalar(start))
    }

    private mutating func shorthand(_ word: KindSet) -> ScalarSet? {
        if take("d") { return .kinds(.digits) }
        if take("D") { return .not(.kinds(.digits)) }
        if take("w") { return .kinds(word) }
        if take("W") { return .not(.kinds(word)) }
        if take("s") { return .kinds(.spaces) }
        if take("S") { return .not(.kinds(.spaces)) }
        return nil
    }

    private mutating func escapedScalar(_ start: Int) throws(PatternError) -> UInt32 {
        guard let character = next else { throw .position("pattern ends with a backslash", start) }
        at += 1
        if let control = Self.controls[character] { return control }
        if character == 0x78 { return try hexadecimal(start, braces: true, digits: 2) }
        if character == 0x75 { return try hexadecimal(start, braces: false, digits: 4) }
        let isWord = (0x30...0x39).contains(character) || (0x41...0x5A).contains(character) || (0x61...0x7A).contains(character)
        if isWord { throw .position("escape not supported", start) }
        return character
    }

    /// `\x41`, `\x{1F600}`, `\u0041`.
    private mutating func hexadecimal(_ start: Int, braces: Bool, digits: Int) throws(PatternError) -> UInt32 {
        let braced = braces && take("{")
        var value: UInt32 = 0
        var count = 0
        while count < (braced ? 8 : digits), let digit = decimalDigit() ?? letterDigit() {
            if value > 0x10_FFFF { throw .position("character beyond U+10FFFF", start) }
            value = value << 4 | digit
            count += 1
            at += 1
        }
        if count == 0 || (braced && !take("}")) { throw .position("hexadecimal digits expected", start) }
        if Unicode.Scalar(value) == nil { throw .position("no such character", start) }
        return value
    }

    private func decimalDigit() -> UInt32? { next.flatMap { (0x30...0x39).contains($0) ? $0 - 0x30 : nil } }

    private func letterDigit() -> UInt32? {
        next.flatMap { (0x41...0x46).contains($0 & ~0x20) && $0 < 0x80 ? ($0 & ~0x20) - 0x37 : nil }
    }

    /// `{L}`, `{^L}`.
    private mutating func property(_ start: Int, negated: Bool) throws(PatternError) -> ScalarSet {
        guard take("{") else { throw .position("'{' expected after \\p", start) }
        let inverted = take("^")
        var name = ""
        while let scalar = next.flatMap(Unicode.Scalar.init), scalar != "}" {
            name.unicodeScalars.append(scalar)
            at += 1
        }
        guard take("}") else { throw .position("\\p{ without '}'", start) }
        guard let kinds = KindSet.named(name) else { throw .position("property \(Quoted.text(name)) not supported", start) }
        return negated != inverted ? .not(.kinds(kinds)) : .kinds(kinds)
    }

    /// What stands between brackets; the opening one is read.
    mutating func characterClass(_ start: Int, depth: Int = 1) throws(PatternError) -> ScalarSet {
        if depth > Self.maximumDepth { throw PatternError(rule: "pattern nested too deep (more than \(Self.maximumDepth))") }
        let negated = take("^")
        var parts: [[ScalarSet]] = [[]]
        var isFirst = true
        while isFirst || !isNext("]") {
            if at >= text.count { throw .position("unmatched '['", start) }
            if take("&&") {
                if ignoresCase { throw .position("&& under (?i) not supported", at - 2) }
                parts.append([])
            } else {
                parts[parts.count - 1].append(try classItem(start, depth))
            }
            isFirst = false
        }
        at += 1
        let set = parts.count == 1 ? ScalarSet.any(parts[0]) : .all(parts.map(ScalarSet.any))
        return negated ? .not(set) : set
    }

    private mutating func classItem(_ start: Int, _ depth: Int) throws(PatternError) -> ScalarSet {
        let itemStart = at
        if isNext("["), at + 1 < text.count, text[at + 1] == 0x3A { throw .position("bracket class [:…:] not supported", at) }
        if take("[") { return try characterClass(itemStart, depth: depth + 1) }
        let first = try classAtom(itemStart)
        guard isNext("-"), at + 1 < text.count, text[at + 1] != 0x5D else { return first }
        guard case .range(let low) = first, low.count == 1 else { throw .position("a class cannot begin a range", itemStart) }
        at += 1
        guard !isNext("["), case .range(let high) = try classAtom(at), high.count == 1 else {
            throw .position("a class cannot end a range", itemStart)
        }
        if high.lowerBound < low.lowerBound { throw .position("empty range in class", itemStart) }
        return .range(low.lowerBound...high.lowerBound)
    }

    private mutating func classAtom(_ start: Int) throws(PatternError) -> ScalarSet {
        guard let character = next else { throw .position("unmatched '['", start) }
        at += 1
        if character != 0x5C { return .scalar(character) }
        if take("b") { return .scalar(0x08) }
        return try escapedSet(start, word: .bracketWord)
    }
}
