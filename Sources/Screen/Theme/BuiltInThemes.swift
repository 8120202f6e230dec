/// The themes of last resort, the same texts as the files in `Themes`: the program can be copied anywhere and still has a face.
package enum BuiltInThemes {
    package static let texts: [String: String] = ["base": base, "night": night, "mono": mono]

    private static let base = #"""
        # Every token of a theme, written with the names of a palette that the inheriting theme gives.
        #
        # A value is `foreground on background +attribute`, in up to four forms with | between:
        # 24 bits | one of 256 | one of 16 | attributes without colour. What is left out is derived.
        name = "Base"
        variant = "dark"

        [palette]
        bg = "#0d1117 | 233 | black"
        fg = "#c9d1d9 | 252 | white"
        panel = "#21262d | 235 | black"
        dim = "#8b949e | 246 | white"
        border = "#484f58 | 240 | bright-black"
        bright = "#f0f6fc | 255 | bright-white"
        accent = "#58a6ff | 75 | bright-cyan"
        key = "#79c0ff | 111 | bright-cyan"
        mark = "#1f3a5f | 237 | blue"
        ok = "#7ee787 | 114 | bright-green"
        warn = "#e3b341 | 179 | bright-yellow"
        err = "#ff7b72 | 210 | bright-red"
        s0 = "#56b4e9 | 74 | bright-cyan"
        s1 = "#e69f00 | 178 | bright-yellow"
        s2 = "#21b68c | 36 | bright-green"
        s3 = "#cc79a7 | 175 | bright-magenta"
        s4 = "#f0e442 | 227 | bright-white"

        [ui]
        text = "fg on bg"
        dim = "dim"
        border = "border"
        "border.focus" = "accent +bold"
        title = "bright +bold"
        "title.focus" = "accent +bold"
        label = "dim"
        tab = "fg on panel | | | +dim"
        "tab.active" = "bg on accent +bold | | bright-white on blue | +reverse +bold"
        select = "bg on accent +bold | | bright-white on blue | +reverse"
        "select.dim" = "fg on mark | | bright-white on blue | +underline"
        status = "fg on panel | | | +reverse"
        "status.key" = "key on panel +bold | | | +reverse +bold"
        "status.ok" = "ok on panel | | | +reverse"
        "status.warn" = "warn on panel +bold | | | +reverse +bold"
        "status.err" = "err on panel +bold | | | +reverse +bold"
        key = "key +bold"
        hint = "dim"
        prompt = "bright +bold"
        caret = "bg on bright | | black on bright-white | +reverse"
        ok = "ok"
        warn = "warn"
        err = "err +bold"
        accent = "accent"
        cursor = "bg on accent +bold | | bright-white on blue | +reverse +bold"
        ruler = "dim"
        "ruler.cursor" = "accent +bold"
        match = "bg on warn | | black on bright-yellow | +reverse +underline"
        breakpoint = "err +bold"
        watch = "warn +bold"
        current = "ok +bold"
        heading = "bright +bold"
        emphasis = "bright +bold | | | +bold"
        code = "key | | | +underline"
        formula = "bright"
        overlay = "fg on bg"
        "overlay.border" = "accent +bold"

        [data]
        "map.sequential" = "viridis"
        "map.attention" = "magma"
        "map.diverging" = "berlin"
        masked = "border"
        nan = "#ffffff on #c000c0 +bold | 231 on 127 | bright-white on magenta | +reverse +bold"
        posinf = "#000000 on #ffd400 +bold | 16 on 220 | black on yellow | +reverse +bold"
        neginf = "#000000 on #56b4e9 +bold | 16 on 74 | black on cyan | +reverse +bold"
        "glyph.nan" = "N | N"
        "glyph.posinf" = "▲ | ^"
        "glyph.neginf" = "▼ | v"
        # Okabe and Ito's colours; markers tell series apart too.
        series = "s0 s1 s2 s3 s4"

        """#

    private static let night = #"""
        # The default: calm, dark, with its own background.
        name = "Night"
        inherits = "base"
        variant = "dark"

        """#

    private static let mono = #"""
        # No colour at all: bold, underline and reverse only. NO_COLOR chooses the same attributes of any other theme.
        name = "Mono"
        inherits = "base"
        variant = "mono"

        [palette]
        bg = "default"
        fg = "default"
        panel = "default"
        dim = "default"
        border = "default"
        bright = "default"
        accent = "default"
        key = "default"
        mark = "default"
        ok = "default"
        warn = "default"
        err = "default"
        s0 = "default"
        s1 = "default"
        s2 = "default"
        s3 = "default"
        s4 = "default"

        """#
}
