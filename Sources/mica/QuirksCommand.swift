import ArgumentParser
import Models
import Screen
import StrictJSON

/// The published mistakes that can be switched on.
struct QuirksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quirks", abstract: "List the published mistakes that --quirk switches on, all or those of a model.",
        discussion: """
            A quirk is a mistake that a published program made with such a model. first: the value that is the first to differ.

            Example: mica quirks Samples/fables-gemma2
            """)

    @Argument(help: ArgumentHelp("A model folder; all quirks if left out.", valueName: "model"))
    var path: String?
    @Flag(help: "Print one JSON array.")
    var json = false

    func run() throws {
        let quirks = try path.map { try Model(path: $0).applicableQuirks } ?? Quirk.all
        if json { return Console.data("\(JSONValue.array(quirks.map(object)).lines)\n".utf8) }
        Console.print(quirks.map(text).joined(separator: "\n\n"))
    }

    private func text(_ quirk: Quirk) -> String {
        let story = Prose.wrap(quirk.story, width: 96).map { "    \($0.text)" }
        return (["\(quirk.name)  \(quirk.title)"] + story + ["    first: \(quirk.first)", "    source: \(quirk.source)"])
            .joined(separator: "\n")
    }

    private func object(_ quirk: Quirk) -> JSONValue {
        .object([
            ("name", .string(quirk.name)), ("title", .string(quirk.title)), ("story", .string(quirk.story)),
            ("first", .string(quirk.first)), ("source", .string(quirk.source)),
        ])
    }
}
