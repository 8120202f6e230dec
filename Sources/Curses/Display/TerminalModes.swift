/// Modes of xterm and its kin that ncurses does not manage: bracketed paste, mouse reports.
struct TerminalModes {
    var family: TerminalProfile.Family
    var mouse = false

    /// What switches them on.
    var enter: String {
        guard family != .other else { return "" }
        return "\u{1B}[?2004h" + (mouse ? "\u{1B}[?1002h\u{1B}[?1006h" : "")
    }

    /// What switches them off, with a synchronized update that was cut short.
    var leave: String {
        guard family != .other else { return "" }
        return "\u{1B}[?2026l\u{1B}[?1006l\u{1B}[?1002l\u{1B}[?2004l"
    }
}
