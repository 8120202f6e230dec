/// Surfaces as files: text, text with colours, pictures.
package enum SurfaceExport {
    /// Plain text, heat maps as ramps.
    package static func text(_ surface: Surface) -> String {
        surface.text + "\n"
    }

    /// Text with escape sequences, as `tmux capture-pane -e` gives it: `cat` shows the screen again.
    package static func ansi(_ surface: Surface, theme: Theme, depth: ColorDepth, glyphs: GlyphSet = .unicode) -> String {
        var result = ""
        var sequences: [ResolvedStyle: String] = [:]
        for y in 0..<surface.height {
            var style = ResolvedStyle.plain
            for x in 0..<surface.width {
                let cell = theme.resolve(surface[x, y], depth: depth, glyphs: glyphs)
                guard cell.width > 0 else { continue }
                if cell.style != style {
                    let sequence = sequences[cell.style] ?? AnsiStyle.sequence(cell.style)
                    sequences[cell.style] = sequence
                    result += sequence
                    style = cell.style
                }
                result.unicodeScalars.append(cell.glyph)
                result.unicodeScalars.append(contentsOf: cell.marks)
            }
            if style != .plain { result += "\u{1B}[0m" }
            result += "\n"
        }
        return result
    }

    /// A picture that looks like the terminal.
    package static func svg(_ surface: Surface, theme: Theme, depth: ColorDepth = .trueColor) -> String {
        SVGWriter(theme: theme, depth: depth).picture(of: surface)
    }
}

/// Select Graphic Rendition (ECMA-48 8.3.117).
enum AnsiStyle {
    private static let codes: [(Attributes, String)] = [
        (.bold, "1"), (.dim, "2"), (.italic, "3"), (.underline, "4"), (.reverse, "7"),
    ]

    /// The sequence that sets exactly this style, whatever was set before.
    static func sequence(_ style: ResolvedStyle) -> String {
        let attributes = codes.filter { style.attributes.contains($0.0) }.map(\.1)
        let parts = ["0"] + attributes + color(style.foreground, base: 30) + color(style.background, base: 40)
        return "\u{1B}[" + parts.joined(separator: ";") + "m"
    }

    private static func color(_ color: Color, base: Int) -> [String] {
        switch color {
        case .standard: []
        case .index(let index) where index < 8: [String(base + Int(index))]
        case .index(let index) where index < 16: [String(base + 52 + Int(index))]
        case .index(let index): ["\(base + 8);5;\(index)"]
        case .rgb(let rgb): ["\(base + 8);2;\(rgb.red);\(rgb.green);\(rgb.blue)"]
        }
    }
}
