import Screen

/// One line of a script, read.
indirect enum ScriptLine: Sendable, Hashable {
    case nothing
    /// A line that may fail: somebody typed it by mistake, and so it was recorded.
    case attempt(ScriptLine)
    case command(String)
    case keys([Key])
    case mouse(MouseEvent)
    case size(Size)
    /// The screen shows this text, or does not.
    case expect(String)
    case expectNot(String)
    /// What a value's hash was when the script was written.
    case hash(name: String, digits: String)
    /// Whoever plays the script is shown the screen, under a name.
    case screen(String)

    init(_ text: String) throws(ScriptProblem) {
        let line = text.trimmed
        let word = String(line.prefix { $0 != " " })
        let rest = String(line.dropFirst(word.count)).trimmed
        switch word {
        case "": self = .nothing
        case "try": self = .attempt(try ScriptLine(rest))
        case "key", "key:", "keys", "keys:": self = .keys(try ScriptLine.keys(rest))
        case "click", "wheel-up", "wheel-down": self = .mouse(try ScriptLine.mouse(word, rest))
        case "size": self = .size(try ScriptLine.size(rest))
        case "expect": self = .expect(try ScriptLine.wanted(rest))
        case "expect-not": self = .expectNot(try ScriptLine.wanted(rest))
        case "#": self = ScriptLine.comment(rest)
        default: self = word.hasPrefix("#") ? .nothing : .command(line.hasPrefix(":") ? String(line.dropFirst()) : line)
        }
    }

    private static func keys(_ text: String) throws(ScriptProblem) -> [Key] {
        var keys: [Key] = []
        for word in text.split(separator: " ") {
            guard let key = Key(String(word)) else {
                throw ScriptProblem("'\(word)' is no key; keys are written j, G, Enter, C-d, S-Tab, F1, Space")
            }
            keys.append(key)
        }
        if keys.isEmpty { throw ScriptProblem("which keys?") }
        return keys
    }

    private static func mouse(_ word: String, _ text: String) throws(ScriptProblem) -> MouseEvent {
        let numbers = text.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2 else { throw ScriptProblem("\(word) needs a column and a row") }
        let action: MouseEvent.Action = word == "click" ? .press(.left) : word == "wheel-up" ? .wheelUp : .wheelDown
        return MouseEvent(action, at: Point(numbers[0], numbers[1]))
    }

    private static func size(_ text: String) throws(ScriptProblem) -> Size {
        guard let size = Size(text) else { throw ScriptProblem("a size is written 80x24, at most 1000x1000") }
        return size
    }

    /// Quotes keep blanks at the ends.
    private static func wanted(_ text: String) throws(ScriptProblem) -> String {
        let bare = text.count > 1 && text.hasPrefix("\"") && text.hasSuffix("\"") ? String(text.dropFirst().dropLast()) : text
        if bare.isEmpty { throw ScriptProblem("expect what?") }
        return bare
    }

    /// Comments say nothing, but for `# hash NAME 0123…` and `# screen NAME`.
    private static func comment(_ text: String) -> ScriptLine {
        let parts = text.split(separator: " ")
        if parts.count == 2, parts[0] == "screen" { return .screen(String(parts[1])) }
        return parts.count == 3 && parts[0] == "hash" ? .hash(name: String(parts[1]), digits: String(parts[2])) : .nothing
    }
}

/// Why a line of a script cannot be played.
struct ScriptProblem: Error {
    let text: String
    init(_ text: String) { self.text = text }
}

/// Where a script stopped, in one line.
package struct ScriptError: Error, Sendable, CustomStringConvertible {
    package let script: String
    /// From 1.
    package let line: Int
    package let problem: String
    package var description: String { "\(script):\(line): \(problem)" }
}

extension Size {
    /// Reads `80x24`.
    package init?(_ text: String) {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let width = parts[0], let height = parts[1], (1...1000).contains(width), (1...1000).contains(height) else {
            return nil
        }
        self.init(width, height)
    }
}

extension StringProtocol {
    /// Without blanks and carriage returns at the ends.
    fileprivate var trimmed: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
