import Screen

/// Something the workbench can do, by name: the `:` line, keys, scripts and the palette all speak this one language. The help screen and
/// the README's tables are made from the same entries.
package struct Command: Sendable {
    package enum Group: String, CaseIterable, Sendable { case run, train, move, find, whatIf = "what if", view, data, app }

    package let name: String
    package let aliases: [String]
    /// As help shows them: `NAME`, `[N]`.
    package let arguments: String
    package let group: Group
    package let help: String
    package let run: @Sendable (inout Session, CommandArguments) throws(CommandError) -> [Effect]

    package init(
        _ name: String, aliases: [String] = [], _ arguments: String = "", _ group: Group, _ help: String,
        run: @escaping @Sendable (inout Session, CommandArguments) throws(CommandError) -> [Effect]
    ) {
        self.name = name
        self.aliases = aliases
        self.arguments = arguments
        self.group = group
        self.help = help
        self.run = run
    }

    package static let all: [Command] =
        runCommands + trainCommands + gradientCommands + adapterCommands + moveCommands + findCommands + editCommands + quirkCommands
        + precisionCommands + kernelCommands + viewCommands
        + appCommands

    /// By name, alias, or a beginning that only one command has.
    package static func find(_ word: String) -> Command? {
        if let exact = all.first(where: { $0.name == word || $0.aliases.contains(word) }) { return exact }
        let starting = all.filter { $0.name.hasPrefix(word) }
        return starting.count == 1 ? starting[0] : nil
    }
}

/// The words behind a command's name; double quotes keep spaces.
package struct CommandArguments: Sendable, Hashable {
    package let words: [String]
    /// Everything behind the name as it was typed.
    package let text: String

    package init(_ text: String) {
        self.text = text
        var words: [String] = []
        var word: String?
        var isQuoted = false
        for character in text {
            if character == "\"" {
                isQuoted.toggle()
                word = word ?? ""
            } else if character == " " && !isQuoted {
                if let done = word { words.append(done) }
                word = nil
            } else {
                word = (word ?? "") + String(character)
            }
        }
        if let done = word { words.append(done) }
        self.words = words
    }

    package subscript(_ index: Int) -> String? { words.indices.contains(index) ? words[index] : nil }

    /// A whole number, or the default if there is none.
    package func integer(_ index: Int, default fallback: Int? = nil) throws(CommandError) -> Int {
        guard let word = self[index] else {
            if let fallback { return fallback }
            throw CommandError("a number is missing")
        }
        guard let number = Int(word) else { throw CommandError("'\(word)' is not a whole number") }
        return number
    }

    package func number(_ index: Int) throws(CommandError) -> Double {
        guard let word = self[index], let number = Double(word) else { throw CommandError("'\(self[index] ?? "")' is not a number") }
        return number
    }
}

package struct CommandError: Error, Sendable {
    package let text: String
    package init(_ text: String) { self.text = text }
}

extension Session {
    /// Runs a command line that somebody gave: it is recorded if a recording is on.
    mutating func enter(_ line: String) -> [Effect] {
        let trimmed = line.drop { $0 == " " }
        let command = Command.find(String(trimmed.prefix { $0 != " " }))
        let isRecorded = command.map { !CommandScript.opensLine($0) } ?? false
        if isRecorded { record(String(trimmed)) }
        let effects = execute(line)
        if isRecorded, message?.kind == .error { recordFailure() }
        return effects
    }

    /// Runs a command line. What goes wrong is said on the hint line.
    package mutating func execute(_ line: String) -> [Effect] {
        let trimmed = line.drop { $0 == " " }
        guard !trimmed.isEmpty, !trimmed.hasPrefix("#") else { return [] }
        let word = trimmed.prefix { $0 != " " }
        let rest = trimmed.dropFirst(word.count).drop { $0 == " " }
        guard let command = Command.find(String(word)) else {
            say("there is no command '\(word)' — Tab completes, ? lists them", .error)
            return []
        }
        do throws(CommandError) {
            return try command.run(&self, CommandArguments(String(rest)))
        } catch {
            say("\(command.name): \(error.text)", .error)
            return []
        }
    }
}
