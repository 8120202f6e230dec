/// One colour of a theme in the three forms that terminals with colour take.
package struct Tint: Hashable, Sendable {
    /// 24 bits; nil is the terminal's own colour.
    package var rgb: RGB?
    package var xterm: Color
    package var ansi: Color

    /// A colour with its 256-colour and 16-colour forms derived: the nearest in Lab.
    package init(_ rgb: RGB) {
        self.rgb = rgb
        xterm = .index(TerminalPalette.nearest256(rgb))
        ansi = .index(TerminalPalette.nearest16(rgb))
    }

    package init(rgb: RGB?, xterm: Color, ansi: Color) {
        (self.rgb, self.xterm, self.ansi) = (rgb, xterm, ansi)
    }

    package static let standard = Tint(rgb: nil, xterm: .standard, ansi: .standard)

    /// The form for a depth; 8 colours take the darker twin of a bright one.
    package func color(_ depth: ColorDepth) -> Color {
        switch depth {
        case .trueColor: return rgb.map { .rgb($0) } ?? .standard
        case .xterm256: return xterm
        case .ansi16: return ansi
        case .ansi8:
            guard case .index(let index) = ansi else { return ansi }
            return .index(index % 8)
        case .mono: return .standard
        }
    }

    /// Whether 8 colours can only show this one with the help of bold.
    var isBright: Bool {
        guard case .index(let index) = ansi else { return false }
        return (8...15).contains(index)
    }
}

/// How a theme shows one role: colours, attributes, and attributes alone for a terminal without colour.
package struct RoleStyle: Hashable, Sendable {
    package var foreground: Tint
    package var background: Tint
    package var attributes: Attributes
    package var mono: Attributes

    package func resolved(_ depth: ColorDepth) -> ResolvedStyle {
        guard depth != .mono else { return ResolvedStyle(.standard, .standard, mono) }
        guard depth == .ansi8 else { return ResolvedStyle(foreground.color(depth), background.color(depth), attributes) }
        if foreground.ansi == .index(8) { return ResolvedStyle(.index(7), background.color(depth), attributes.union(.dim)) }
        return ResolvedStyle(foreground.color(depth), background.color(depth), foreground.isBright ? attributes.union(.bold) : attributes)
    }
}
