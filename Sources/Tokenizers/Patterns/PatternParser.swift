/// Reads the part of Oniguruma's syntax that can be matched in linear time (Oniguruma is what Hugging Face tokenizers match with).
/// Positions in errors count characters from 0.
struct PatternParser {
    static let maximumDepth = 48
    private static let maximumLength = 16384
    static let maximumRepeats = 1000

    let text: [UInt32]
    var at = 0
    private var depth = 0
    var ignoresCase = false
    private var dotMatchesNewline = false

    static func parse(_ pattern: String) throws(PatternError) -> PatternNode {
        var parser = PatternParser(text: pattern.unicodeScalars.map(\.value))
        if parser.text.count > maximumLength { throw PatternError(rule: "pattern longer than \(maximumLength) characters") }
        let node = try parser.choice()
        if parser.at < parser.text.count { throw .position("unmatched ')'", parser.at) }
        return node
    }

    private init(text: [UInt32]) { self.text = text }

    var next: UInt32? { at < text.count ? text[at] : nil }

    func isNext(_ character: Unicode.Scalar) -> Bool { next == character.value }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        if !isNext(character) { return false }
        at += 1
        return true
    }

    mutating func take(_ word: String) -> Bool {
        let scalars = word.unicodeScalars.map(\.value)
        guard text[at...].starts(with: scalars) else { return false }
        at += scalars.count
        return true
    }

    /// Alternatives up to the end of the group; options set inside end with it.
    private mutating func choice() throws(PatternError) -> PatternNode {
        depth += 1
        if depth > Self.maximumDepth { throw PatternError(rule: "pattern nested too deep (more than \(Self.maximumDepth))") }
        let options = (ignoresCase, dotMatchesNewline)
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        (ignoresCase, dotMatchesNewline) = options
        depth -= 1
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(PatternError) -> PatternNode {
        var items: [PatternNode] = []
        while let character = next, character != 0x7C, character != 0x29 {
            if let item = try quantified() { items.append(item) }
        }
        return items.count == 1 ? items[0] : .sequence(items)
    }

    /// An atom with the quantifiers after it; nil for what stands for nothing, such as `(?i)`.
    private mutating func quantified() throws(PatternError) -> PatternNode? {
        let start = at
        guard var node = try atom() else { return nil }
        var count = 0
        while let (least, most) = try quantifier() {
            count += 1
            if count > 4 { throw .position("pattern nested too deep: quantifier after quantifier", start) }
            // Engines differ in what a round that reads nothing does.
            if most != 1, node.canBeEmpty { throw .position("pattern not supported: repeats what can be empty", start) }
            node = try repeated(node, least, most, start)
        }
        return node
    }

    private mutating func repeated(_ node: PatternNode, _ least: Int, _ most: Int?, _ start: Int) throws(PatternError) -> PatternNode {
        let counted = at > 0 && text[at - 1] == 0x7D
        if take("?") {
            if counted && least == most { throw .position("'?' after an exact count", at - 1) }
            return .repeated(node, least: least, most: most, greedy: false)
        }
        let greedy = PatternNode.repeated(node, least: least, most: most, greedy: true)
        guard !counted, take("+") else { return greedy }
        // X++ takes all it can and gives nothing back: for a single character that is the longest run.
        guard case .set = node else { throw .notLinear("a possessive group", start) }
        let stop = PatternNode.lookahead(node, negated: true)
        if most == 1 { return .choice([node, stop]) }
        return .sequence([greedy, stop])
    }

    /// `*`, `+`, `?`, `{n}`, `{n,}`, `{,m}`, `{n,m}`; a brace that is none of these is a plain character.
    private mutating func quantifier() throws(PatternError) -> (least: Int, most: Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        guard let bounds = braces() else { return nil }
        let largest = max(bounds.least, bounds.most ?? 0)
        if largest > Self.maximumRepeats { throw .position("repeat count larger than \(Self.maximumRepeats)", at - 1) }
        if let most = bounds.most, most < bounds.least { throw .position("repeat count {n,m} with n > m", at - 1) }
        return bounds
    }

    private mutating func braces() -> (least: Int, most: Int?)? {
        let start = at
        guard take("{") else { return nil }
        let least = digits()
        let comma = take(",")
        let most = comma ? digits() : least
        guard take("}"), least != nil || most != nil else {
            at = start
            return nil
        }
        return (least ?? 0, most)
    }

    /// A number of decimal digits; one too large reads as a number above every limit.
    private mutating func digits() -> Int? {
        var value: Int?
        while let character = next, (0x30...0x39).contains(character) {
            value = min((value ?? 0) * 10 + Int(character - 0x30), 1_000_000)
            at += 1
        }
        return value
    }

    private mutating func atom() throws(PatternError) -> PatternNode? {
        let start = at
        if take("(") { return try group(start) }
        if take("[") { return .set(try folded(characterClass(start), start)) }
        if take(".") { return .set(dotMatchesNewline ? .everything : .dot) }
        if take("^") { return .boundary(.lineStart) }
        if take("$") { return .boundary(.lineEnd) }
        if take("\\") { return try escape(start) }
        if isNext("*") || isNext("+") || isNext("?") { throw .position("nothing to repeat", start) }
        at += 1
        return .set(try folded(.scalar(text[start]), start))
    }

    func folded(_ set: ScalarSet, _ start: Int) throws(PatternError) -> ScalarSet {
        guard ignoresCase else { return set }
        guard let folded = CaseFolding.folded(set) else { throw .position("class not supported under (?i)", start) }
        return folded
    }

    private mutating func group(_ start: Int) throws(PatternError) -> PatternNode? {
        if take("?#") {
            while let character = next, character != 0x29 { at += 1 }
            return try closed(.nothing, start)
        }
        if take("?:") { return try closed(choice(), start) }
        if take("?=") { return .lookahead(try closed(choice(), start), negated: false) }
        if take("?!") { return .lookahead(try closed(choice(), start), negated: true) }
        if take("?<=") || take("?<!") { throw .notLinear("lookbehind", start) }
        if take("?>") { throw .notLinear("an atomic group", start) }
        if take("?<") { try groupName(start) } else if take("?") { return try options(start) }
        return try closed(choice(), start)
    }

    private mutating func closed(_ node: PatternNode, _ start: Int) throws(PatternError) -> PatternNode {
        if !take(")") { throw .position("unmatched '('", start) }
        return node
    }

    /// `(?<name>…)` groups as `(…)` does, since nothing can refer to it.
    private mutating func groupName(_ start: Int) throws(PatternError) {
        while let character = next, character != 0x3E { at += 1 }
        if !take(">") { throw .position("group name without '>'", start) }
    }

    /// `(?i)`, `(?i:…)`, `(?-i:…)`, and `m`, which lets `.` match a line feed.
    private mutating func options(_ start: Int) throws(PatternError) -> PatternNode? {
        let before = (ignoresCase, dotMatchesNewline)
        var on = true
        while !isNext(":") && !isNext(")") {
            if take("-") {
                on = false
            } else if take("i") {
                ignoresCase = on
            } else if take("m") {
                dotMatchesNewline = on
            } else {
                throw .position("group option not supported", start)
            }
        }
        if take(")") {
            // Elsewhere engines differ in what an option without a group reaches.
            if start > 0 { throw .position("group option not supported", start) }
            return nil
        }
        at += 1
        let node = try closed(choice(), start)
        (ignoresCase, dotMatchesNewline) = before
        return node
    }
}
