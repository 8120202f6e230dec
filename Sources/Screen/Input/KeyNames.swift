/// The written form of keys, in help, key files and scripts: `j`, `Enter`, `C-x`, `M-f`, `S-Tab`, `F1`, `Space`.
extension Key: CustomStringConvertible, LosslessStringConvertible {
    private static let names: [(String, Code)] = [
        ("Enter", .enter), ("Tab", .tab), ("Backspace", .backspace), ("Esc", .escape), ("Up", .up), ("Down", .down), ("Left", .left),
        ("Right", .right), ("Home", .home), ("End", .end), ("PgUp", .pageUp), ("PgDn", .pageDown), ("Insert", .insert),
        ("Delete", .delete), ("Space", .character(" ")),
    ]

    private static let prefixes: [(String, Modifiers)] = [("C-", .control), ("M-", .alt), ("S-", .shift)]

    package var description: String {
        let prefix = Key.prefixes.filter { modifiers.contains($0.1) }.map(\.0).joined()
        return prefix + codeName
    }

    private var codeName: String {
        if let name = Key.names.first(where: { $0.1 == code })?.0 { return name }
        return switch code {
        case .character(let scalar): String(Character(scalar))
        case .function(let number): "F\(number)"
        default: ""
        }
    }

    /// Reads the written form; nil if it is not one. Names of special keys are read in any case.
    package init?(_ text: String) {
        var rest = Substring(text)
        var modifiers: Modifiers = []
        while rest.unicodeScalars.count > 2, let (name, modifier) = Key.prefixes.first(where: { rest.hasPrefix($0.0) }) {
            rest = rest.dropFirst(name.count)
            modifiers.insert(modifier)
        }
        guard let code = Key.code(named: rest) else { return nil }
        self.init(code, modifiers)
    }

    private static func code(named text: Substring) -> Code? {
        if let only = text.unicodeScalars.first, text.unicodeScalars.count == 1 { return .character(only) }
        let lower = text.lowercased()
        if let found = names.first(where: { $0.0.lowercased() == lower }) { return found.1 }
        guard lower.hasPrefix("f"), let number = Int(lower.dropFirst()), (1...24).contains(number) else { return nil }
        return .function(number)
    }
}
