import ArgumentParser
import Models

/// Published mistakes that are switched on for the run.
struct QuirkOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Switch a published mistake on (mica quirks lists them); may be given again.", valueName: "name"))
    var quirk: [String] = []

    /// The model with them.
    func attached(to model: Model) throws -> Model { quirk.isEmpty ? model : try model.with(quirks: quirk) }
}
