import Screen

/// A line being typed: a command, a search, a prompt. Arrows, Home, End and the shell's control keys belong to it.
package struct LineEditor: Sendable, Hashable {
    package enum Purpose: Sendable, Hashable { case command, search, element }

    package let purpose: Purpose
    package private(set) var text: String
    package private(set) var cursor: Int
    /// Completions of the last Tab and which is in the line.
    package var completions: [String] = []
    package var selection: Int?
    private var historyIndex: Int?
    private var draft = ""

    package init(_ purpose: Purpose, text: String = "") {
        self.purpose = purpose
        self.text = text
        cursor = text.count
    }

    package var prompt: String {
        switch purpose {
        case .command: ":"
        case .search: "/"
        case .element: "@"
        }
    }

    package mutating func replace(_ new: String) {
        text = new
        cursor = new.count
        (completions, selection) = ([], nil)
    }

    package mutating func insert(_ new: String) {
        var characters = Array(text)
        let added = Array(new.replacing("\n", with: " "))
        characters.insert(contentsOf: added, at: cursor)
        text = String(characters)
        cursor = min(cursor + added.count, text.count)
        (completions, selection) = ([], nil)
    }

    /// Applies an editing key. False if the key is not one.
    package mutating func apply(_ key: Key, history: [String]) -> Bool {
        switch (key.code, key.modifiers) {
        case (.left, []): cursor = max(0, cursor - 1)
        case (.right, []): cursor = min(text.count, cursor + 1)
        case (.home, []), (.character("a"), .control): cursor = 0
        case (.end, []), (.character("e"), .control): cursor = text.count
        case (.backspace, _): delete(max(0, cursor - 1)..<cursor)
        case (.delete, []), (.character("d"), .control): delete(cursor..<min(text.count, cursor + 1))
        case (.character("u"), .control): delete(0..<cursor)
        case (.character("k"), .control): delete(cursor..<text.count)
        case (.character("w"), .control): delete(wordStart..<cursor)
        case (.up, []): recall(history, by: -1)
        case (.down, []): recall(history, by: 1)
        default:
            guard let typed = key.typed else { return false }
            insert(String(Character(typed)))
        }
        return true
    }

    private mutating func delete(_ range: Range<Int>) {
        var characters = Array(text)
        guard range.lowerBound < range.upperBound, range.upperBound <= characters.count else { return }
        characters.removeSubrange(range)
        text = String(characters)
        cursor = min(range.lowerBound, text.count)
        (completions, selection) = ([], nil)
    }

    private var wordStart: Int {
        let characters = Array(text)
        var at = cursor
        while at > 0, characters[at - 1] == " " { at -= 1 }
        while at > 0, characters[at - 1] != " " { at -= 1 }
        return at
    }

    private mutating func recall(_ history: [String], by step: Int) {
        guard !history.isEmpty else { return }
        if historyIndex == nil { draft = text }
        let next = (historyIndex ?? history.count) + step
        historyIndex = min(max(next, 0), history.count)
        let index = historyIndex ?? history.count
        replace(index == history.count ? draft : history[index])
    }
}
