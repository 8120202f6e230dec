extension Theme {
    /// A theme from a file with all that it inherits.
    init(_ source: ThemeFile) throws(ThemeError) {
        let reader = StyleReader(file: source.file, palette: try Theme.palette(source))
        let text = try reader.style("text", source.entries["text"] ?? "default", text: nil)
        name = source.name
        variant = try Theme.variant(source)
        styles = try Theme.styles(source, reader, text)
        maps = try MapKind.allCases.map { kind throws(ThemeError) in try Theme.map(kind, source, reader) }
        nan = try Theme.sign("glyph.nan", source, reader, Sign(unicode: "N", ascii: "N"))
        posInf = try Theme.sign("glyph.posinf", source, reader, Sign(unicode: "▲", ascii: "^"))
        negInf = try Theme.sign("glyph.neginf", source, reader, Sign(unicode: "▼", ascii: "v"))
    }

    /// The palette's colours. One may be defined by another, but not by itself.
    private static func palette(_ source: ThemeFile) throws(ThemeError) -> [String: Tint] {
        var done: [String: Tint] = [:]
        var waiting = source.palette.sorted { $0.key < $1.key }
        while !waiting.isEmpty {
            var later: [(key: String, value: String)] = []
            for (key, value) in waiting {
                let reader = StyleReader(file: source.file, palette: done)
                do { done[key] = try reader.color("palette." + key, value) } catch {
                    later.append((key, value))
                    if later.count == waiting.count { throw error }
                }
            }
            waiting = later
        }
        return done
    }

    private static func variant(_ source: ThemeFile) throws(ThemeError) -> Variant {
        guard let text = source.variant else { return .dark }
        if let variant = Variant(rawValue: text) { return variant }
        throw ThemeError(file: source.file, problem: "unknown variant \"\(text)\"", advice: "use dark, light, mono or projector")
    }

    private static func styles(_ source: ThemeFile, _ reader: StyleReader, _ text: RoleStyle) throws(ThemeError) -> [RoleStyle] {
        let series = (source.entries["series"] ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        return try Role.allCases.map { role throws(ThemeError) in
            if let value = source.entries[role.key] { return try reader.style(role.key, value, text: text) }
            guard let number = Role.series.firstIndex(of: role), number < series.count else { return text }
            return try reader.style("series", series[number], text: text)
        }
    }

    private static func map(_ kind: MapKind, _ source: ThemeFile, _ reader: StyleReader) throws(ThemeError) -> ColorMap {
        guard let name = source.entries[kind.key] else { return kind.standard }
        if let map = ColorMap.named(name) { return map }
        throw ThemeError(
            file: source.file, problem: "\(kind.key): unknown colour map \"\(name)\"",
            advice: "use one of " + ColorMap.all.map(\.name).joined(separator: ", "))
    }

    private static func sign(_ key: String, _ source: ThemeFile, _ reader: StyleReader, _ standard: Sign) throws(ThemeError) -> Sign {
        guard let value = source.entries[key] else { return standard }
        let parts = value.split(separator: "|").map { $0.unicodeScalars.filter { $0 != " " } }
        guard let unicode = parts.first?.first, parts.allSatisfy({ $0.count == 1 }), parts.count <= 2 else {
            throw reader.problem(key, "\"\(value)\" is not one character, or two with | between")
        }
        let ascii = parts.last?.first.flatMap { $0.isASCII ? $0 : nil } ?? standard.ascii
        guard CellWidth.of(unicode) == 1, ScalarRules.escape(unicode) == nil else {
            throw reader.problem(key, "\"\(value)\" does not fit one column")
        }
        return Sign(unicode: unicode, ascii: ascii)
    }

    /// The keys that a complete theme defines.
    static var knownKeys: Set<String> {
        let roles = Role.allCases.filter { !Role.series.contains($0) }.map(\.key)
        return Set(roles + MapKind.allCases.map(\.key) + ["series", "glyph.nan", "glyph.posinf", "glyph.neginf"])
    }
}

extension MapKind {
    /// The key of this map in `[data]`.
    var key: String {
        switch self {
        case .sequential: "map.sequential"
        case .attention: "map.attention"
        case .diverging: "map.diverging"
        }
    }

    fileprivate var standard: ColorMap {
        switch self {
        case .sequential: .viridis
        case .attention: .magma
        case .diverging: .berlin
        }
    }
}

extension Theme {
    /// No colours, no file: what remains if even the compiled-in theme cannot be read.
    static let bare = Theme(
        name: "Bare", variant: .mono,
        styles: Role.allCases.map { _ in RoleStyle(foreground: .standard, background: .standard, attributes: [], mono: []) },
        maps: [.viridis, .magma, .berlin], nan: Sign(unicode: "N", ascii: "N"), posInf: Sign(unicode: "▲", ascii: "^"),
        negInf: Sign(unicode: "▼", ascii: "v"))
}
