/// Cuts a template into tokens by the rules of Jinja 3.1 with `trim_blocks` and `lstrip_blocks`, as transformers sets them: the line break
/// after a block and the white space before it on its line are dropped; `-` drops all white space on its side, `+` keeps it. One line
/// break at the end of the template is dropped.
struct TemplateLexer {
    private let source: [UInt8]
    private var at = 0
    private var line = 1
    private var tokens: [LocatedToken] = []
    /// Whether the text at hand begins a line.
    private var startsLine = true

    static func tokens(_ text: String) throws(ChatTemplateError) -> [LocatedToken] {
        var lexer = TemplateLexer(source: normalized(Array(text.utf8)))
        if lexer.source.count > TemplateLimit.source {
            throw ChatTemplateError(line: 1, "the template is longer than \(TemplateLimit.source >> 20) MiB")
        }
        while lexer.at < lexer.source.count { try lexer.piece() }
        return lexer.tokens
    }

    private init(source: [UInt8]) { self.source = source }

    /// Line ends as `\n`, without the last.
    private static func normalized(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0A, index > 0, bytes[index - 1] == 0x0D { continue }
            result.append(byte == 0x0D ? 0x0A : byte)
        }
        if result.last == 0x0A { result.removeLast() }
        return result
    }

    private func fault(_ rule: String) -> ChatTemplateError { ChatTemplateError(line: line, rule) }

    private mutating func emit(_ token: TemplateToken) { tokens.append(LocatedToken(token: token, line: line)) }

    private func starts(_ text: StaticString, at index: Int) -> Bool {
        guard index + text.utf8CodeUnitCount <= source.count else { return false }
        return (0..<text.utf8CodeUnitCount).allSatisfy { source[index + $0] == text.utf8Start[$0] }
    }

    private mutating func advance(to index: Int) {
        while at < index {
            if source[at] == 0x0A { line += 1 }
            at += 1
        }
    }

    /// Text up to the next tag, and the tag.
    private mutating func piece() throws(ChatTemplateError) {
        var open = at
        while open < source.count, !(source[open] == UInt8(ascii: "{") && isTag(open)) { open += 1 }
        let isOutput = starts("{{", at: open)
        let sign = open + 2 < source.count ? source[open + 2] : 0
        text(upTo: open, strips: sign == UInt8(ascii: "-"), isTag: open < source.count && !isOutput && sign != UInt8(ascii: "+"))
        if open == source.count { return }
        let hasSign = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        if starts("{#", at: open) { return try comment(from: open + 2) }
        emit(isOutput ? .outputStart : .blockStart)
        advance(to: open + (hasSign ? 3 : 2))
        if !isOutput, try raw() { return }
        try tag(isOutput)
    }

    private func isTag(_ index: Int) -> Bool { starts("{{", at: index) || starts("{%", at: index) || starts("{#", at: index) }

    private mutating func text(upTo end: Int, strips: Bool, isTag: Bool) {
        var last = end
        if strips {
            while last > at, Self.isSpace(source[last - 1]) { last -= 1 }
        } else if isTag {
            var first = end
            while first > at, source[first - 1] != 0x0A, Self.isSpace(source[first - 1]) { first -= 1 }
            if first > at ? source[first - 1] == 0x0A : startsLine { last = first }
        }
        if last > at { emit(.text(String(decoding: source[at..<last], as: UTF8.self))) }
        advance(to: end)
    }

    private mutating func comment(from start: Int) throws(ChatTemplateError) {
        var end = start
        while end < source.count, !starts("#}", at: end) { end += 1 }
        if end == source.count { throw fault("a comment is not closed: '#}' is missing") }
        let sign = end > start ? source[end - 1] : 0
        advance(to: end + 2)
        afterBlock(sign)
    }

    /// White space after a block, a comment, or an output that ends with `-`.
    private mutating func afterBlock(_ sign: UInt8) {
        let start = at
        if sign == UInt8(ascii: "-") {
            while at < source.count, Self.isSpace(source[at]) { advance(to: at + 1) }
        } else if sign != UInt8(ascii: "+"), at < source.count, source[at] == 0x0A {
            advance(to: at + 1)
        }
        startsLine = at > start && source[at - 1] == 0x0A
    }

    /// `{% raw %}` … `{% endraw %}`: its text is written as it stands.
    private mutating func raw() throws(ChatTemplateError) -> Bool {
        guard let (first, sign) = closing("raw", from: at) else { return false }
        tokens.removeLast()
        advance(to: first)
        afterBlock(sign)
        var end = at
        while end < source.count {
            if starts("{%", at: end) {
                let opening = end + 2 < source.count ? source[end + 2] : 0
                let hasSign = opening == UInt8(ascii: "-") || opening == UInt8(ascii: "+")
                if let (next, sign) = closing("endraw", from: end + (hasSign ? 3 : 2)) {
                    text(upTo: end, strips: opening == UInt8(ascii: "-"), isTag: opening != UInt8(ascii: "+"))
                    advance(to: next)
                    afterBlock(sign)
                    return true
                }
            }
            end += 1
        }
        throw fault("'raw' is not closed: '{% endraw %}' is missing")
    }

    /// Where the block ends whose only word is `word`, and the sign at its end.
    private func closing(_ word: StaticString, from start: Int) -> (Int, UInt8)? {
        var index = start
        while index < source.count, Self.isSpace(source[index]) { index += 1 }
        guard starts(word, at: index) else { return nil }
        index += word.utf8CodeUnitCount
        while index < source.count, Self.isSpace(source[index]) { index += 1 }
        let sign = index < source.count ? source[index] : 0
        let hasSign = sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+")
        if hasSign { index += 1 }
        return starts("%}", at: index) ? (index + 2, hasSign ? sign : 0) : nil
    }

    /// The tokens of a tag up to its end; inside brackets the end's signs are ordinary ones.
    private mutating func tag(_ isOutput: Bool) throws(ChatTemplateError) {
        var open: [UInt8] = []
        while true {
            while at < source.count, Self.isSpace(source[at]) { advance(to: at + 1) }
            if at == source.count { throw fault("a tag is not closed: '\(isOutput ? "}}" : "%}")' is missing") }
            if open.isEmpty, endTag(isOutput) { return }
            try token(&open)
        }
    }

    private mutating func endTag(_ isOutput: Bool) -> Bool {
        let byte = source[at]
        let hasSign = byte == UInt8(ascii: "-") || (!isOutput && byte == UInt8(ascii: "+"))
        let end = at + (hasSign ? 1 : 0)
        guard starts(isOutput ? "}}" : "%}", at: end) else { return false }
        emit(isOutput ? .outputEnd : .blockEnd)
        advance(to: end + 2)
        if isOutput && !hasSign { startsLine = false } else { afterBlock(hasSign ? byte : 0) }
        return true
    }

    private mutating func token(_ open: inout [UInt8]) throws(ChatTemplateError) {
        let byte = source[at]
        if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return try string(quote: byte) }
        if Self.isDigit(byte) { return try number() }
        if Self.isNameStart(byte) {
            var end = at
            while end < source.count, Self.isNameStart(source[end]) || Self.isDigit(source[end]) { end += 1 }
            emit(.name(String(decoding: source[at..<end], as: UTF8.self)))
            return advance(to: end)
        }
        try symbol(&open)
    }

    private mutating func symbol(_ open: inout [UInt8]) throws(ChatTemplateError) {
        let pairs: [StaticString] = ["==", "!=", ">=", "<=", "//", "**"]
        if let pair = pairs.first(where: { starts($0, at: at) }) {
            emit(.symbol("\(pair)"))
            return advance(to: at + 2)
        }
        let byte = source[at]
        let shown = String(decoding: [byte], as: UTF8.self)
        guard "+-/*%~[](){}<>=.:|,".utf8.contains(byte) else { throw fault("unexpected character \(Quoted.text(shown))") }
        if "([{".utf8.contains(byte) { open.append(byte) }
        if ")]}".utf8.contains(byte) {
            let partner: UInt8 = byte == UInt8(ascii: ")") ? UInt8(ascii: "(") : byte - 2
            guard open.popLast() == partner else { throw fault("unexpected '\(shown)': it closes nothing") }
        }
        emit(.symbol(shown))
        advance(to: at + 1)
    }

    private mutating func number() throws(ChatTemplateError) {
        var end = at
        var isFloat = false
        while end < source.count, Self.isDigit(source[end]) || source[end] == UInt8(ascii: "_") { end += 1 }
        if end + 1 < source.count, source[end] == UInt8(ascii: "."), Self.isDigit(source[end + 1]) {
            isFloat = true
            end += 1
            while end < source.count, Self.isDigit(source[end]) { end += 1 }
        }
        if let power = exponent(from: end) {
            isFloat = true
            end = power
        }
        let text = String(decoding: source[at..<end], as: UTF8.self).filter { $0 != "_" }
        if isFloat, let value = Double(text) {
            emit(.float(value))
        } else if let value = Int(text) {
            emit(.integer(value))
        } else {
            throw fault("the number \(Quoted.text(text)) is too large")
        }
        advance(to: end)
    }

    /// The end of an exponent such as `e-5` that begins here.
    private func exponent(from start: Int) -> Int? {
        guard start < source.count, source[start] | 0x20 == UInt8(ascii: "e") else { return nil }
        var end = start + 1
        if end < source.count, source[end] == UInt8(ascii: "+") || source[end] == UInt8(ascii: "-") { end += 1 }
        let digits = end
        while end < source.count, Self.isDigit(source[end]) { end += 1 }
        return end > digits ? end : nil
    }

    private mutating func string(quote: UInt8) throws(ChatTemplateError) {
        var end = at + 1
        while end < source.count, source[end] != quote { end += source[end] == UInt8(ascii: "\\") ? 2 : 1 }
        if end >= source.count { throw fault("a string is not closed") }
        emit(.string(TemplateEscapes.text(source[(at + 1)..<end])))
        advance(to: end + 1)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isNameStart(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F }
}
