import Screen

/// Which terminfo entry to open and how many colours to use at most, by what the user said and the environment shows.
package struct TerminalProfile: Hashable, Sendable {
    /// Terminals that share the sequences we send ourselves.
    package enum Family: Hashable, Sendable {
        case xterm, tmux, other
    }

    /// The entry to open.
    package var entry: String
    /// The most colours to use; fewer where the entry has fewer.
    package var ceiling: ColorDepth
    package var family: Family

    /// The entries made for Mica, which lie in its `terminfo` folder.
    package static let directXterm = "mica-xterm-direct"
    package static let directTmux = "mica-tmux-direct"

    /// - Parameters:
    ///   - term: the terminal's name, as in TERM.
    ///   - requested: what an option or the configuration asks for; it comes before all signs in the environment.
    ///   - environment: NO_COLOR (when not empty: none), COLORTERM (`truecolor` or `24bit`).
    package init(term: String, requested: ColorDepth?, environment: [String: String]) {
        family = Family(term)
        entry = term
        ceiling = requested ?? .trueColor
        if requested == nil, environment["NO_COLOR"].map({ !$0.isEmpty }) == true { ceiling = .mono }
        let claimsTrueColor = ["truecolor", "24bit"].contains(environment["COLORTERM"]?.lowercased())
        switch ceiling {
        case .trueColor where requested == .trueColor || claimsTrueColor: entry = family.directEntry ?? term
        case .xterm256 where requested == .xterm256: entry = family.entry256(term)
        default: break
        }
    }

    /// What to open when the first choice is missing.
    package var fallback: String { entry.hasPrefix("mica-") ? (family == .tmux ? "tmux-256color" : "xterm-256color") : "xterm-256color" }

    /// The depth of an opened entry with so many colours.
    package func depth(colors: Int) -> ColorDepth {
        let possible: ColorDepth =
            switch colors {
            case ..<8: .mono
            case ..<16: .ansi8
            case ..<256: .ansi16
            case 256: .xterm256
            default: .trueColor
            }
        let order: [ColorDepth] = [.mono, .ansi8, .ansi16, .xterm256, .trueColor]
        return order.first { $0 == possible || $0 == ceiling } ?? .mono
    }
}

extension TerminalProfile.Family {
    private static let likeXterm = [
        "xterm", "alacritty", "foot", "kitty", "wezterm", "ghostty", "contour", "konsole", "gnome", "vte", "iterm", "rxvt", "st-",
        "mica-xterm",
    ]

    init(_ term: String) {
        if term.hasPrefix("tmux") || term.hasPrefix("screen") || term.hasPrefix("mica-tmux") {
            self = .tmux
        } else if term == "st" || Self.likeXterm.contains(where: term.hasPrefix) {
            self = .xterm
        } else {
            self = .other
        }
    }

    var directEntry: String? {
        switch self {
        case .xterm: TerminalProfile.directXterm
        case .tmux: TerminalProfile.directTmux
        case .other: nil
        }
    }

    /// The entry of this family that has 256 colours; a terminal of no family keeps its own.
    func entry256(_ term: String) -> String {
        switch self {
        case .xterm: term.hasPrefix("xterm") && !term.contains("256") ? "xterm-256color" : term
        case .tmux: term.contains("256") ? term : term.hasPrefix("screen") ? "screen-256color" : "tmux-256color"
        case .other: term
        }
    }
}
