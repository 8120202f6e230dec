import ArgumentParser

/// The program: the workbench, and subcommands for what needs no screen.
@main struct Mica: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mica", abstract: "Peels a Transformer into its layers.",
        discussion: """
            Without a subcommand, MODEL is opened in the workbench; without MODEL, the bundled sample.

            Example: mica generate Samples/fables-llama --prompt "There was once a" --max-tokens 40 --greedy
            """,
        subcommands: [
            WorkbenchCommand.self,
            InfoCommand.self,
            TraceCommand.self,
            GenerateCommand.self,
            TokenizeCommand.self,
            StatsCommand.self,
            NumericsCommand.self,
            PatchCommand.self,
            HeadsCommand.self,
            GradcheckCommand.self,
            QuirksCommand.self,
            KernelsCommand.self,
            FinetuneCommand.self,
            MergeCommand.self,
            PlayCommand.self,
            BenchCommand.self,
        ], defaultSubcommand: WorkbenchCommand.self)

    static func main() { Launch.run(Array(CommandLine.arguments.dropFirst())) }
}
