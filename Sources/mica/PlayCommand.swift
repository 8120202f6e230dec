import ArgumentParser
import Engine
import Foundation
import Screen
import Workbench

/// Commands and keys without a terminal.
struct PlayCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "play", abstract: "Play a script of commands and keys, without a terminal.",
        discussion: """
            A line is a command as behind ":" in the workbench. Besides: "keys: j j Enter" presses keys, "expect TEXT" and "expect-not TEXT" look \
            at the screen, "size 80x24" resizes it, "save-screen FILE.txt" (or .svg, .ansi) keeps it, "# hash NAME HEX" compares a value with what \
            it was, "# screen NAME" prints the screen. What ":record FILE" wrote in a session is such a script. The first line that fails ends the \
            script with exit code 1.

            Example: mica play Samples/Scripts/first-walk.mica --size 80x24
            """)

    @Argument(help: ArgumentHelp("The script; - is standard input.", valueName: "script"))
    var script: String
    @Argument(help: "A model folder to open first.")
    var model: String?
    @Option(help: ArgumentHelp("The screen's columns and rows.", valueName: "80x24"))
    var size = "80x24"
    @Option(help: ArgumentHelp("The theme's name or file.", valueName: "name"))
    var theme = "night"
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if Size(size) == nil { throw ValidationError("--size must be columns x rows, such as 80x24, at most 1000x1000.") }
    }

    func run() throws {
        let text = try PlayCommand.text(of: script)
        let catalogue = ThemeCatalogue()
        do { _ = try catalogue.theme(theme) } catch { throw Failure("\(error)") }
        let session = Session(size: Size(size) ?? Size(80, 24), theme: theme, themes: catalogue.names)
        let folder = script == "-" ? "." : URL(fileURLWithPath: script).deletingLastPathComponent().path
        var player = ScriptPlayer(
            try InlineWorkbench(session, policy: precision.policy(threads: threads.count)), catalogue: catalogue, folder: folder,
            show: PlayCommand.print)
        do {
            if let model { try player.play("open \(URL(fileURLWithPath: model).path)", name: "play") }
            try player.play(text, name: script)
        } catch { throw Failure("\(error)") }
    }

    /// With colours where somebody looks.
    private static func print(_ name: String, _ surface: Surface, _ theme: Theme) {
        let path = isatty(STDOUT_FILENO) == 1 ? ".ansi" : ".txt"
        Swift.print("# screen \(name)\n\(ScreenFile.contents(of: surface, theme: theme, path: path))")
    }

    /// A script is text of at most 16 MiB.
    private static func text(of path: String) throws -> String {
        let limit = 16 << 20
        let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
        guard let handle, let data = try? handle.read(upToCount: limit + 1) ?? Data() else { throw Failure("cannot read \(path)") }
        if data.count > limit { throw Failure("\(path) is larger than 16 MiB") }
        guard let text = String(validating: data, as: UTF8.self) else { throw Failure("\(path) is not UTF-8 text") }
        return text
    }
}
