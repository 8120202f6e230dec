import ArgumentParser
import Engine
import Models

/// What is changed by hand in the run.
struct EditOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What if: a file of edits, one a line (zero NAME[head 3], set NAME[i, j] = v, knock-out L3H5, …).", valueName: "file"))
    var edits: String?

    /// The edits with the runs that they copy from.
    func load(for model: Model, policy: Policy) throws -> EditSet {
        guard let edits else { return EditSet() }
        return try EditFile(path: edits).set(for: model, policy: policy)
    }
}
