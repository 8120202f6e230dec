import ArgumentParser
import Curses
import Engine
import Screen
import Workbench

/// What `mica` runs when no subcommand is named.
struct WorkbenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workbench", abstract: "Open a model in the workbench.",
        discussion: """
            Example: mica Samples/fables-llama --prompt "When Mia and Tom went to the market, Tom gave a ring to"
            """)

    @Argument(help: "A model folder; the bundled sample if left out.")
    var model: String?
    @Option(help: ArgumentHelp("An adapter in PEFT's format beside the model.", valueName: "folder"))
    var adapter: String?
    @OptionGroup var prompt: PromptOptions
    @Option(help: ArgumentHelp("The theme's name or file.", valueName: "name"))
    var theme: String?
    @Option(help: "Colours of the terminal: auto, truecolor, 256, 16, 8, mono.")
    var color: String?
    @Flag(name: .customLong("no-mouse"), help: "Leave the mouse to the terminal.")
    var noMouse = false
    @Flag(help: "Draw lines and marks in ASCII.")
    var ascii = false
    @Option(help: "Memory for recorded values, in MiB.")
    var memory: Int?
    @OptionGroup var precision: PrecisionOptions
    @OptionGroup var quirks: QuirkOptions
    @OptionGroup var threads: ThreadOptions

    func validate() throws {
        if let memory, !(1...1_000_000).contains(memory) { throw ValidationError("--memory must be 1 to 1000000 MiB.") }
        if let color, color != "auto", depth == nil {
            throw ValidationError("--color must be auto, truecolor, 256, 16, 8 or mono.")
        }
    }

    private var depth: ColorDepth? { WorkbenchCommand.depth(color) }

    private static func depth(_ name: String?) -> ColorDepth? {
        switch name {
        case "true", "truecolor", "24bit": .trueColor
        case "256": .xterm256
        case "16": .ansi16
        case "8": .ansi8
        case "mono", "none": .mono
        default: nil
        }
    }

    func run() throws {
        Supervisor.run()
        let configuration = try Configuration.load(Configuration.path())
        let catalogue = ThemeCatalogue()
        let themeName = theme ?? configuration.theme
        if let themeName { _ = try catalogue.theme(themeName) }
        let given = try prompt.ids.map { Prompt.ids(try PromptOptions.parse($0)) } ?? prompt.prompt.map { Prompt.text($0) }
        let terminal = try open(configuration)
        var session = Session(size: terminal.size, theme: themeName ?? "night", themes: catalogue.names)
        session.pendingPrompt = given
        session.ownBindings = configuration.bindings
        session.isMouseOn = configuration.mouse && !noMouse
        let loop = WorkbenchLoop(
            session: session, terminal: terminal, policy: try precision.policy(threads: threads.count),
            budget: (memory ?? configuration.memory ?? 2048) << 20, catalogue: catalogue)
        throw ExitCode(loop.run(model: model ?? SampleFolder.defaultModel, adapter: adapter ?? "", quirks: quirks.quirk))
    }

    private func open(_ configuration: Configuration) throws -> CursesTerminal {
        var options = TerminalOptions()
        options.color = depth ?? WorkbenchCommand.depth(configuration.color)
        options.ascii = ascii || configuration.ascii
        options.mouse = configuration.mouse && !noMouse
        do { return try CursesTerminal(options) } catch { throw Failure("\(error)", code: error.exitCode) }
    }
}
