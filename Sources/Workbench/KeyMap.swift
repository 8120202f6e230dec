import Screen

/// Keys that stand for a command line.
package struct Binding: Sendable, Hashable {
    /// Written forms in sequence: `g g`, `v c`, `C-p`.
    package let keys: String
    package let line: String
    /// Nil: everywhere.
    package let page: PageID?
    /// A word for the bar at the bottom; nil keeps it off the bar.
    package let hint: String?

    package init(_ keys: String, _ line: String, _ hint: String? = nil, on page: PageID? = nil) {
        self.keys = keys
        self.line = line
        self.page = page
        self.hint = hint
    }

    package var sequence: [Key] { keys.split(separator: " ").compactMap { Key(String($0)) } }
}

package enum KeyMap {
    package enum Match: Sendable, Hashable {
        case none
        /// The beginning of these.
        case prefix([Binding])
        case complete(Binding)
    }

    /// What a sequence of keys means on a page. The user's own bindings win, then the page's.
    package static func match(_ keys: [Key], on page: PageID, own: [Binding] = []) -> Match {
        if let binding = own.first(where: { $0.sequence == keys && ($0.page == nil || $0.page == page) }) { return .complete(binding) }
        let here = (own + all).filter { $0.page == nil || $0.page == page }
        let exact = here.filter { $0.sequence == keys }
        if let binding = exact.first(where: { $0.page == page }) ?? exact.first { return .complete(binding) }
        let longer = here.filter { $0.sequence.count > keys.count && Array($0.sequence.prefix(keys.count)) == keys }
        return longer.isEmpty ? .none : .prefix(longer)
    }

    package static let all: [Binding] = app + run + train + move + structure + find + whatIf + view + pages

    private static let app = [
        Binding("?", "help", "help"), Binding("F1", "help"), Binding(":", "command", "command"), Binding("q", "back"),
        Binding("C-c", "cancel"), Binding("C-z", "suspend"), Binding("C-l", "redraw"), Binding("C-p", "palette"), Binding("T", "themes"),
        Binding("B", "presenter"), Binding("M", "mouse"), Binding("Tab", "pane next"), Binding("S-Tab", "pane previous"),
        Binding("z", "zoom"),
        Binding("p", "edit-prompt", "prompt"), Binding("y", "copy"), Binding("Esc", "escape"),
    ]

    private static let run = [
        Binding("s", "step", "step"), Binding("S", "step-back", "back"), Binding("x", "into", "into"), Binding("X", "out"),
        Binding("o", "over"), Binding("Space", "run"), Binding("r", "run-to"), Binding("R", "restart"), Binding("b", "break"),
        Binding("w", "edit-watch"), Binding(">", "next-token"), Binding("<", "previous-token"),
    ]

    private static let train = [
        Binding("Space", "train-run", on: .train), Binding("n", "train-step", on: .train), Binding("Backspace", "train-leave", on: .train),
        Binding("f", "finetune", "new", on: .train), Binding("w", "train-save", "save", on: .train),
        Binding("a", "before-after", "before/after", on: .train), Binding("v l", "train-log", on: .train),
        Binding("v e", "train-smooth", on: .train),
    ]

    private static let move = [
        Binding("h", "move left"), Binding("j", "move down"), Binding("k", "move up"), Binding("l", "move right"),
        Binding("Left", "move left"),
        Binding("Down", "move down"), Binding("Up", "move up"), Binding("Right", "move right"), Binding("H", "move left 8"),
        Binding("L", "move right 8"), Binding("C-d", "move half-down"), Binding("C-u", "move half-up"), Binding("PgDn", "move page-down"),
        Binding("PgUp", "move page-up"), Binding("g g", "move first"), Binding("G", "move last"), Binding("Home", "move row-start"),
        Binding("End", "move row-end"),
    ]

    private static let structure = [
        Binding("Enter", "open-selected"), Binding("Backspace", "up"), Binding("[", "layer -1", "layer"), Binding("]", "layer +1"),
        Binding("{", "head -1", "head"), Binding("}", "head +1"), Binding(",", "leading -1"), Binding(".", "leading +1"),
        Binding("u", "history-back"), Binding("C-o", "history-back"), Binding("g o", "goto-cursor"), Binding("g l", "lineage"),
        Binding("g i", "origin"),
    ]

    private static let find = [
        Binding("/", "search-line", "find"), Binding("n", "search-next"), Binding("N", "search-previous"),
        Binding("e", "anomaly next", "anomaly"),
        Binding("E", "anomaly previous"), Binding("@", "element-line"),
    ]

    private static let whatIf = [
        Binding("c s", "edit-value"), Binding("c e", "edits"), Binding("c u", "undo"), Binding("c p", "patch-scan"),
        Binding("c a", "adapter"),
        Binding("P", "format-next"), Binding("K", "kernel-next"), Binding("c k", "kernels"), Binding("Q", "quirks"),
    ]

    private static let view = [
        Binding("v c", "colormap"), Binding("v s", "scale"), Binding("v r", "range"), Binding("=", "range lock"),
        Binding("v t", "transpose"),
        Binding("v i", "hex"), Binding("v m", "attention-part", "mask", on: .attention),
        Binding("v l", "attention-log", on: .attention),
        Binding("a", "all-heads", "all heads", on: .attention), Binding("v n", "token-colour", "colours", on: .tokens),
        Binding("v l", "labels", on: .tokens),
        Binding("i", "edit-prompt", "edit text", on: .tokens),
        Binding("v x", "rope-table", "cos/sin", on: .rope), Binding("v e", "errors", on: .numerics),
        Binding("n", "backward step", on: .gradient), Binding("N", "step-back", on: .gradient),
        Binding("o", "backward layer", on: .gradient),
        Binding("Space", "backward end", on: .gradient), Binding("i", "into", on: .gradient), Binding("d", "check", "check", on: .gradient),
        Binding("v g", "gradient-side", "large", on: .gradient), Binding("v u", "gradient-part", "update", on: .gradient),
    ]

    /// The digits are the catalogue's, F-keys their aliases.
    private static let pages = PageCatalogue.all.flatMap { page in
        [Binding("\(page.key)", "screen \(page.id.rawValue)"), Binding("F\(page.key + 1)", "screen \(page.id.rawValue)")]
    }
}

extension KeyMap {
    /// Marks take any letter, so they are no bindings of their own: `m` and `'` wait for one.
    package static func markLine(_ keys: [Key]) -> String? {
        guard keys.count == 2, let first = keys[0].typed, let second = keys[1].typed, second.properties.isAlphabetic else { return nil }
        if first == "m" { return "mark \(second)" }
        return first == "'" ? "jump \(second)" : nil
    }

    package static func startsMark(_ keys: [Key]) -> Bool { keys.count == 1 && (keys[0].typed == "m" || keys[0].typed == "'") }
}
