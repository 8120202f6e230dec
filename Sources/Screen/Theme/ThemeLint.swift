/// One thing that a theme should do better.
package struct ThemeFinding: Hashable, Sendable, CustomStringConvertible {
    package var key: String
    package var problem: String
    package var description: String { "\(key): \(problem)" }
}

extension ThemeCatalogue {
    /// What is wrong with a theme: keys missing or unknown, text too faint, maps that do not rise.
    package func lint(_ name: String) throws(ThemeError) -> [ThemeFinding] {
        let source = try source(name)
        let keys = Set(source.entries.keys)
        let missing = Theme.knownKeys.subtracting(keys).sorted().map { ThemeFinding(key: $0, problem: "is missing") }
        let unknown = keys.subtracting(Theme.knownKeys).sorted().map { ThemeFinding(key: $0, problem: "is not known") }
        return missing + unknown + (try Theme(source)).lint
    }
}

extension Theme {
    /// Contrast and lightness, at every depth that has colours.
    package var lint: [ThemeFinding] {
        variant == .mono ? [] : contrastFindings + mapFindings
    }

    private var contrastFindings: [ThemeFinding] {
        Role.allCases.flatMap { role -> [ThemeFinding] in
            [ColorDepth.trueColor, .xterm256].compactMap { depth in
                let (least, ratio) = (leastContrast(role), contrast(role, depth))
                guard let ratio, ratio < least else { return nil }
                let shown = (ratio * 100).rounded(.down) / 100
                return ThemeFinding(key: role.key, problem: "contrast \(shown) is below \(least) with \(depth.rawValue) colours")
            }
        }
    }

    /// WCAG's 4.5 for text, 7 in a hall, 2 for lines that only guide the eye; NaN and Inf always 4.5.
    private func leastContrast(_ role: Role) -> Double {
        switch role {
        case .border, .overlayBorder, .masked: 2
        case .nan, .posInf, .negInf: 4.5
        default: variant == .projector ? 7 : 4.5
        }
    }

    /// The contrast of a role's text on its ground; nil if the terminal's own colours are involved.
    private func contrast(_ role: Role, _ depth: ColorDepth) -> Double? {
        let style = style(role)
        guard let ink = Theme.rgb(style.foreground.color(depth)), let ground = Theme.rgb(style.background.color(depth)) else { return nil }
        return ink.contrast(ground)
    }

    private static func rgb(_ color: Color) -> RGB? {
        switch color {
        case .rgb(let rgb): rgb
        case .index(let index): TerminalPalette.rgb(index)
        case .standard: nil
        }
    }

    /// Lightness must rise from step to step; on a diverging map it must fall or rise on each side of the middle.
    private var mapFindings: [ThemeFinding] {
        MapKind.allCases.flatMap { kind -> [ThemeFinding] in
            [ColorDepth.trueColor, .xterm256, .ansi16].compactMap { depth in
                let map = map(kind)
                let lightness = (0..<map.count(depth)).map { map.rgb(step: $0, depth).lab.l }
                let rises = kind == .diverging ? Theme.diverges(lightness) : Theme.rises(lightness)
                return rises
                    ? nil : ThemeFinding(key: kind.key, problem: "lightness of \(map.name) is not monotone with \(depth.rawValue) colours")
            }
        }
    }

    static func rises(_ values: [Double]) -> Bool {
        zip(values, values.dropFirst()).allSatisfy { $0 <= $1 + 0.5 }
    }

    static func diverges(_ values: [Double]) -> Bool {
        let half = (values.count + 1) / 2
        let (low, high) = (Array(values.prefix(half).reversed()), Array(values.suffix(half)))
        return (rises(low) && rises(high)) || (rises(low.reversed()) && rises(high.reversed()))
    }
}
