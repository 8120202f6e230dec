/// The characters a terminal can show.
package enum GlyphSet: String, CaseIterable, Sendable {
    case unicode
    /// Only ASCII: the C locale, the plainest terminals.
    case ascii

    /// The character shown in place of `scalar`.
    package func shown(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard self == .ascii, !scalar.isASCII else { return scalar }
        return GlyphSet.substitutes[scalar] ?? GlyphSet.byRange(scalar)
    }

    private static let substitutes: [Unicode.Scalar: Unicode.Scalar] = {
        let pairs: [(String, Unicode.Scalar)] = [
            ("┌┐└┘├┤┬┴┼╭╮╰╯", "+"), ("─━═╌┄", "-"), ("│┃║╎┆", "|"), ("▸▶►→⟶", ">"), ("◂◀◄←", "<"), ("▾▼↓", "v"), ("▴▲↑", "^"),
            ("●◉■◆", "*"), ("○◌□◇", "o"), ("·•∙", "."), ("…", "~"), ("✓", "y"), ("✗✘×", "x"), ("⚠", "!"), ("−–—", "-"), ("‖", "|"),
            ("“”„", "\""), ("‘’′", "'"), ("␣", "_"), ("⏎↵", "$"), ("▏▎▍▌", "|"), ("█▉▊▋▀▄▐", "#"), ("▁", "_"), ("▂▃", "."), ("▅", ":"),
            ("▆▇", "#"), ("≤", "<"), ("≥", ">"), ("≈", "~"), ("√", "v"), ("Σ", "S"), ("σ", "s"), ("µμ", "u"), ("θ", "0"), ("∇", "v"),
            ("Δ", "d"), ("°", "o"), ("\u{A0}", " "), ("±", "~"), ("∞", "8"), ("▹", ">"), ("▿", "v"), ("⌁", "~"), ("✎", "%"), ("≠", "#"),
            ("░", "."), ("▒", ":"), ("▓", "#"), ("÷", "/"), ("⇒≫", ">"), ("∠", "L"), ("⌈", "["), ("⌉", "]"), ("∂δ", "d"), ("∘", "o"),
            ("½", "h"), ("ε", "e"), ("α", "a"), ("β", "b"), ("λ", "l"), ("π", "p"), ("Φφ", "f"), ("⁻₋", "-"), ("⁺", "+"), ("ⁿ", "n"),
            ("ᵢ", "i"), ("ⱼ", "j"), ("ₖ", "k"), ("ₕ", "h"), ("ₘ", "m"), ("ₒ", "o"), ("ₜᵗ", "t"), ("ᵀ", "T"), ("ᵥ", "v"), ("ₓˣ", "x"),
        ]
        var table: [Unicode.Scalar: Unicode.Scalar] = [:]
        for (glyphs, plain) in pairs {
            for glyph in glyphs.unicodeScalars { table[glyph] = plain }
        }
        for digits in ["⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉"] {
            for (digit, plain) in zip(digits.unicodeScalars, "0123456789".unicodeScalars) { table[digit] = plain }
        }
        return table
    }()

    /// Braille by how many dots it has and whether they are high or low; anything else is a question mark.
    private static func byRange(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard (0x2800...0x28FF).contains(scalar.value) else { return "?" }
        let dots = scalar.value - 0x2800
        if dots == 0 { return " " }
        let (high, low) = (dots & 0b0001_1011 != 0, dots & 0b1110_0100 != 0)
        return high && low ? ":" : high ? "'" : "."
    }
}
