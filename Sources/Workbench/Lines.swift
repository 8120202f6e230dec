import Engine
import Screen
import Training

/// The line at the bottom: commands, searches, elements; and what boxes do with keys.
extension Session {
    mutating func edit(_ key: Key) -> [Effect] {
        guard var editor = line else { return [] }
        switch (key.code, key.modifiers) {
        case (.escape, _), (.character("c"), .control):
            line = nil
            return []
        case (.enter, _): return accept(editor)
        case (.tab, _):
            complete(&editor)
            line = editor
            return []
        default:
            _ = editor.apply(key, history: lineHistory)
            line = editor
            return []
        }
    }

    private mutating func accept(_ editor: LineEditor) -> [Effect] {
        line = nil
        switch editor.purpose {
        case .command:
            if !editor.text.isEmpty, lineHistory.last != editor.text { lineHistory.append(editor.text) }
            return enter(editor.text)
        case .search: return enter("search \(editor.text)")
        case .element: return enter("at \(editor.text)")
        }
    }

    /// Tab: the next completion of the word before the cursor; the first Tab finds them.
    private mutating func complete(_ editor: inout LineEditor) {
        guard editor.purpose == .command else { return }
        if let selection = editor.selection, !editor.completions.isEmpty {
            let (all, next) = (editor.completions, (selection + 1) % editor.completions.count)
            editor.replace(all[next])
            (editor.completions, editor.selection) = (all, next)
            return
        }
        let found = Completion.lines(editor.text, session: self)
        guard !found.isEmpty else { return }
        editor.replace(found[0])
        if found.count > 1 { (editor.completions, editor.selection) = (found, 0) }
    }

    /// Keys while a box is open; nil lets the key through.
    mutating func overlayKey(_ key: Key) -> [Effect]? {
        guard let box = overlay else { return nil }
        if key == Key.control("c"), isBusy(box) { return [.engine(.cancel)] }
        if key.code == .escape || key == Key.control("c") || (key == Key("q") && !box.isTyping) {
            return close(box)
        }
        switch box {
        case .help(let filter, let scroll):
            overlay = box.filtered(key, filter) ?? .help(filter: filter, scroll: max(0, scroll + key.scroll))
        case .palette(let filter, let selection):
            if key.code == .enter { return choose(filter, selection) }
            overlay = box.filtered(key, filter) ?? .palette(filter: filter, selection: max(0, selection + key.scroll))
        case .themes(let selection, let before): return previewTheme(key, selection, before)
        case .lineage(let value, let index, let selection): return lineageKey(key, value, index, selection)
        case .edits(let selection): return editsKey(key, selection)
        case .kernels(let value, let selection): return kernelsKey(key, value, selection)
        case .quirks(let selection): return quirksKey(key, selection)
        case .scan(let row, let column): return scanKey(key, row: row, column: column)
        case .finetune(let selection): return finetuneKey(key, selection)
        case .adapter: return adapterKey(key)
        case .compared(let scroll): return comparedKey(key, scroll)
        case .blame(let selection): return blameKey(key, selection)
        case .kept(let selection): return keptKey(key, selection)
        case .beforeAfter(let scroll): overlay = .beforeAfter(scroll: max(0, scroll + key.scroll))
        case .text(let title, let lines, let scroll):
            overlay = .text(title: title, lines: lines, scroll: min(max(0, scroll + key.scroll), max(0, lines.count - 1)))
        }
        return []
    }

    /// Whether the box shows something that is still being computed.
    private func isBusy(_ box: OverlayState) -> Bool {
        switch box {
        case .scan: scan?.isRunning == true
        case .beforeAfter: beforeAfter?.isRunning == true
        case .blame: blame?.isRunning == true
        case .kept: kept?.isRunning == true
        default: false
        }
    }

    private mutating func close(_ box: OverlayState) -> [Effect] {
        overlay = nil
        if case .beforeAfter = box, beforeAfter?.isRunning == true { return [.engine(.cancel)] }
        guard case .themes(_, let before) = box else { return [] }
        theme = before
        return [.theme(before)]
    }

    private mutating func choose(_ filter: String, _ selection: Int) -> [Effect] {
        let found = Palette.commands(filter)
        guard found.indices.contains(min(selection, found.count - 1)) else { return [] }
        let command = found[min(selection, found.count - 1)]
        overlay = nil
        if command.arguments.isEmpty || command.arguments.hasPrefix("[") { return execute(command.name) }
        line = LineEditor(.command, text: command.name + " ")
        return []
    }

    private mutating func previewTheme(_ key: Key, _ selection: Int, _ before: String) -> [Effect] {
        if key.code == .enter {
            overlay = nil
            return []
        }
        let next = key.moved(selection, of: themes.count)
        overlay = .themes(selection: next, before: before)
        guard themes.indices.contains(next) else { return [] }
        theme = themes[next]
        return [.theme(theme)]
    }

    private mutating func lineageKey(_ key: Key, _ value: ValueRef, _ index: [Int], _ selection: Int) -> [Effect] {
        guard key.code == .enter else {
            overlay = .lineage(value, index: index, selection: max(0, selection + key.scroll))
            return []
        }
        guard let target = LineageBox.targets(self, value, index).dropFirst(selection).first else { return [] }
        remember()
        select(ValueRef(level: value.level, id: target.value), remember: false)
        moveCursor(to: target.index)
        overlay = .lineage(ValueRef(level: value.level, id: target.value), index: target.index, selection: 0)
        return []
    }
}

extension OverlayState {
    /// Whether letters go into a filter.
    fileprivate var isTyping: Bool {
        switch self {
        case .palette: true
        case .help(let filter, _): !filter.isEmpty
        default: false
        }
    }

    /// The box with the key typed into its filter.
    fileprivate func filtered(_ key: Key, _ filter: String) -> OverlayState? {
        var filter = filter
        if key.code == .backspace {
            filter = String(filter.dropLast())
        } else if let typed = key.typed {
            filter += String(Character(typed))
        } else {
            return nil
        }
        if case .help = self { return .help(filter: filter, scroll: 0) }
        return .palette(filter: filter, selection: 0)
    }
}

extension Key {
    /// How far a list moves.
    var scroll: Int {
        switch code {
        case .down, .character("j"): 1
        case .up, .character("k"): -1
        case .pageDown: 10
        case .pageUp: -10
        default: 0
        }
    }

    /// The place of a list of `count` lines to which the key leads from another.
    func moved(_ place: Int, of count: Int) -> Int { min(max(place + scroll, 0), max(count - 1, 0)) }
}
