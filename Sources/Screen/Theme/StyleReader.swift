/// Reads the value of one theme key: `fg [on bg] [+bold …]`, up to four times with `|` between:
/// 24 bits, 256 colours, 16 colours, no colour. What is left out is derived.
struct StyleReader {
    /// One of the four forms, split into its words.
    struct Form {
        var foreground: String?
        var background: String?
        var attributes: Attributes = []
        var isEmpty: Bool { foreground == nil && background == nil && attributes.isEmpty }
    }

    let file: String
    let palette: [String: Tint]

    /// The style of a role. Colours that are not given are those of `text`.
    func style(_ key: String, _ value: String, text: RoleStyle?) throws(ThemeError) -> RoleStyle {
        let forms = try forms(key, value)
        let foreground = try tint(key, forms, \.foreground) ?? text?.foreground ?? .standard
        let background = try tint(key, forms, \.background) ?? text?.background ?? .standard
        let attributes = forms[0].attributes
        var style = RoleStyle(foreground: foreground, background: background, attributes: attributes, mono: attributes)
        if !forms[3].attributes.isEmpty {
            style.mono = forms[3].attributes
        } else if let text, background != text.background {
            style.mono.insert(.reverse)
        }
        return style
    }

    /// One colour in up to four forms, as in `[palette]`.
    func color(_ key: String, _ value: String) throws(ThemeError) -> Tint {
        let forms = try forms(key, value)
        guard let tint = try tint(key, forms, \.foreground) else { throw problem(key, "no colour in \"\(value)\"") }
        return tint
    }

    private func forms(_ key: String, _ value: String) throws(ThemeError) -> [Form] {
        let parts = value.split(separator: "|", omittingEmptySubsequences: false)
        guard parts.count <= 4 else { throw problem(key, "\(parts.count) forms in \"\(value)\", at most 4 are known") }
        var forms: [Form] = []
        for part in parts { forms.append(try form(key, part)) }
        return forms + Array(repeating: Form(), count: 4 - forms.count)
    }

    private func form(_ key: String, _ text: Substring) throws(ThemeError) -> Form {
        var form = Form()
        var words = text.split(whereSeparator: \.isWhitespace).map(String.init)[...]
        while let word = words.popFirst() {
            if word.hasPrefix("+") {
                guard let attribute = Attributes.names.first(where: { "+" + $0.0 == word })?.1 else {
                    throw problem(key, "unknown attribute \"\(word)\"")
                }
                form.attributes.insert(attribute)
            } else if word == "on" {
                guard let color = words.popFirst() else { throw problem(key, "no colour after \"on\"") }
                form.background = color
            } else if form.foreground == nil {
                form.foreground = word
            } else {
                throw problem(key, "two colours without \"on\": \"\(word)\"")
            }
        }
        return form
    }

    /// The tint that the first three forms give together for foreground or background.
    private func tint(_ key: String, _ forms: [Form], _ part: KeyPath<Form, String?>) throws(ThemeError) -> Tint? {
        let words = forms.map { $0[keyPath: part] }
        guard words[0] != nil || words[1] != nil || words[2] != nil else { return nil }
        var tint = Tint.standard
        if let word = words[0] { tint = try named(key, word) }
        if let word = words[1] { tint.xterm = try xterm(key, word) }
        if let word = words[2] { tint.ansi = try ansi(key, word) }
        return tint
    }

    private func named(_ key: String, _ word: String) throws(ThemeError) -> Tint {
        if word == "default" { return .standard }
        if let rgb = RGB(hex: word) { return Tint(rgb) }
        guard let tint = palette[word] else { throw problem(key, "\"\(word)\" is neither #rrggbb nor in [palette]") }
        return tint
    }

    private func xterm(_ key: String, _ word: String) throws(ThemeError) -> Color {
        if word == "default" { return .standard }
        if let number = UInt8(word) { return .index(number) }
        guard let tint = palette[word] else { throw problem(key, "\"\(word)\" is neither a number from 0 to 255 nor in [palette]") }
        return tint.xterm
    }

    private func ansi(_ key: String, _ word: String) throws(ThemeError) -> Color {
        if word == "default" { return .standard }
        if let number = TerminalPalette.names.firstIndex(of: word) { return .index(UInt8(number)) }
        guard let tint = palette[word] else { throw problem(key, "\"\(word)\" is neither an ANSI colour nor in [palette]") }
        return tint.ansi
    }

    func problem(_ key: String, _ text: String) -> ThemeError {
        ThemeError(
            file: file, problem: "\(key): \(text)",
            advice: "write a value such as \"#58a6ff on #0d1117 +bold | 75 on 233 | blue | +reverse\"")
    }
}
