import ArgumentParser
import Screen
import StrictJSON
import Tokenizers

/// Text to ids.
struct TokenizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenize", abstract: "Cut a text into tokens: their ids, or every merge.",
        discussion: """
            PATH is a model folder or a tokenizer.json. Without TEXT, standard input is the text. With --json-lines, each line of standard input \
            is a JSON string, and each line of output the JSON array of its ids.

            Example: mica tokenize Samples/fables-llama "There was once a mouse" --explain
            """)

    @Argument(help: "A model folder, or a tokenizer.json.")
    var path: String
    @Argument(help: "The text; standard input if left out.")
    var text: String?
    @Flag(name: .customLong("no-special"), help: "Leave out the tokens that belong around a text.")
    var noSpecial = false
    @Flag(name: .customLong("json-lines"), help: "Read a JSON string a line, write a JSON array of ids a line.")
    var jsonLines = false
    @Flag(help: "Show the pieces of the text and how each was merged.")
    var explain = false

    func validate() throws {
        guard jsonLines, text != nil || explain else { return }
        throw ValidationError("--json-lines reads standard input and goes with --no-special only.")
    }

    func run() throws {
        let tokenizer = try Tokenizer.load(path)
        if jsonLines { return try answerLines(tokenizer) }
        let bytes = try text.map { Array($0.utf8) } ?? TokenizeCommand.standardInput()
        if explain { return Console.print(TokenizeText.explanation(bytes, tokenizer, special: !noSpecial)) }
        Console.data((TokenizeCommand.list(tokenizer.encode(bytes, addSpecial: !noSpecial), separator: ",") + "\n").utf8)
    }

    private func answerLines(_ tokenizer: Tokenizer) throws {
        var input = StandardInput()
        var number = 0
        while let line = try input.line() {
            number += 1
            let text = try TokenizeCommand.string(line, number)
            let ids = tokenizer.encode(text, addSpecial: !noSpecial)
            Console.data("[\(TokenizeCommand.list(ids, separator: ", "))]\n".utf8)
        }
    }

    private static func string(_ line: [UInt8], _ number: Int) throws(Failure) -> String {
        let value: JSONValue
        do { value = try StrictJSON.parse(line) } catch {
            throw Failure("standard input, line \(number): not a JSON string: column \(error.column) \(error.rule)")
        }
        guard let text = value.string else { throw Failure("standard input, line \(number): not a JSON string, is \(value.kind)") }
        return text
    }

    private static func standardInput() throws(Failure) -> [UInt8] {
        var input = StandardInput()
        return try input.rest()
    }

    private static func list(_ ids: [Int32], separator: String) -> String { ids.map { String($0) }.joined(separator: separator) }
}
