import ArgumentParser

/// What `mica` runs when no subcommand is named.
struct WorkbenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workbench", abstract: "Open a model in the workbench.",
        discussion: """
            Example: mica Samples/fables-llama --prompt "When Mia and Tom went to the market, Tom gave a ring to"
            """)

    @Argument(help: "A model folder; the bundled sample if left out.")
    var model: String?
    @OptionGroup var prompt: PromptOptions
    @Option(help: ArgumentHelp("The theme's name or file.", valueName: "name"))
    var theme: String?
    @Option(help: "Colours of the terminal: auto, truecolor, 256, 8, mono.")
    var color: String?
    @Flag(name: .customLong("no-mouse"), help: "Leave the mouse to the terminal.")
    var noMouse = false
    @Flag(help: "Draw lines and marks in ASCII.")
    var ascii = false
    @Option(help: "Memory for recorded values, in MiB.")
    var memory: Int?
    @OptionGroup var threads: ThreadOptions

    func run() throws { throw Failure("the workbench needs a terminal") }
}
