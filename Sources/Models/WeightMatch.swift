import Checkpoints
import Engine
import Tensors

/// Holds what the architecture needs against what the files have: every weight once, with its shape, and nothing left over.
struct WeightMatch {
    /// The program's name → the file's.
    let names: [String: String]
    let notes: [String]

    init(_ reading: ConfigReading, _ checkpoint: Checkpoint) throws(CheckpointError) {
        let (architecture, settings, config) = (reading.architecture, reading.settings, reading.reader.config)
        try reading.checkSizes(held: checkpoint.parameterCount)
        // A program has at least one weight a layer: more layers than tensors cannot be right, and would be built in vain.
        if settings.layers > checkpoint.tensorCount {
            throw config.fault(
                "\(settings.layers) layers need more tensors than the \(checkpoint.tensorCount) in the files",
                next: "Check that config.json belongs to these weights.")
        }
        let graph = Model.graph(architecture, settings, Pass(tokens: 1))
        let program: Program
        do throws(ProgramError) { program = try Program(graph) } catch {
            throw config.fault("\(error)", next: "Check the sizes in config.json.")
        }
        var names: [String: String] = [:]
        var faults = Faults()
        var used: Set<UTF8Name> = []
        for id in program.weights {
            let value = program.values[id]
            guard let entry = architecture.weights.candidates(for: value.name).lazy.compactMap({ checkpoint[$0] }).first else {
                faults.missing.append("\(value.name) \(value.shape)")
                continue
            }
            if entry.dimensions != value.shape.counts {
                faults.mismatched.append("\(entry.name) is \(entry.dimensions), wanted \(value.shape)")
            }
            if !entry.type.isFloat { faults.mismatched.append("\(entry.name) holds \(entry.type.spokenName), wanted floats") }
            names[value.name] = entry.name
            used.insert(UTF8Name(entry.name))
        }
        var notes: [String] = []
        for entry in checkpoint.entries where !used.contains(UTF8Name(entry.name)) {
            if settings.tied && entry.name.hasSuffix("lm_head.weight") {
                notes.append("\(entry.name) is ignored: tie_word_embeddings says the embedding is the head")
            } else if !architecture.weights.unused.contains(where: { $0.matches(entry.name) }) {
                faults.unexpected.append("\(entry.name) \(entry.dimensions)")
            }
        }
        if !faults.isEmpty { throw config.fault(faults.text, next: "Check that config.json belongs to these weights.") }
        self.names = names
        self.notes = notes
    }

    private struct Faults {
        var missing: [String] = []
        var mismatched: [String] = []
        var unexpected: [String] = []

        var isEmpty: Bool { missing.isEmpty && mismatched.isEmpty && unexpected.isEmpty }
        var text: String {
            [("missing", missing), ("of another shape", mismatched), ("unexpected", unexpected)]
                .filter { !$0.1.isEmpty }
                .map { kind, names in
                    let more = names.count > 5 ? " and \(names.count - 5) more" : ""
                    return "\(names.count) tensor\(names.count == 1 ? "" : "s") \(kind): \(names.prefix(5).joined(separator: ", "))\(more)"
                }
                .joined(separator: "; ")
        }
    }
}

/// A tensor name by its bytes.
private struct UTF8Name: Hashable {
    let bytes: [UInt8]
    init(_ name: String) { bytes = Array(name.utf8) }
}
