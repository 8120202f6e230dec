import Checkpoints
import Engine

/// What config.json alone says: which architecture, with which settings.
package struct ConfigReading: Sendable {
    package let architecture: Architecture
    package let settings: ModelSettings
    let reader: SettingsReader

    package init(_ config: ConfigFile) throws(CheckpointError) {
        let modelType = try config.modelType()
        guard let architecture = Architecture.find(modelType) else {
            throw .unsupported(
                config.path, config.format, "model_type", modelType, supported: Architecture.all.flatMap(\.modelTypes).sorted())
        }
        var reader = SettingsReader(config, for: modelType)
        settings = try architecture.settings(&reader)
        self.architecture = architecture
        self.reader = reader
    }

    /// What is odd but harmless.
    package var notes: [String] { reader.notes }

    /// Refuses sizes that no file and no machine can hold, before anything is built by them. `held`: parameters in the files, if they are
    /// there. One layer stands for all.
    package func checkSizes(held: Int?) throws(CheckpointError) {
        try reader.checkSizes(layers: 1, perLayer: [], elsewhere: [], held: held)
        guard let program = try? program(layers: 1, tokens: 1) else { return }
        let weights = program.weights.map { program.values[$0] }
        try reader.checkSizes(
            layers: settings.layers, perLayer: weights.filter { $0.layer != nil }.map(\.shape.counts),
            elsewhere: weights.filter { $0.layer == nil }.map(\.shape.counts), held: held)
    }

    /// Bytes of the values of a pass, in fp32, views not counted; at most `Int.max`.
    package func valueBytes(tokens: Int) -> Int {
        guard let one = try? program(layers: 1, tokens: tokens), let two = try? program(layers: 2, tokens: tokens) else { return 0 }
        let (a, b) = (ConfigReading.bytes(one), ConfigReading.bytes(two))
        let (rest, overflows) = max(0, b - a).multipliedReportingOverflow(by: settings.layers - 1)
        let (sum, tooLarge) = a.addingReportingOverflow(rest)
        return overflows || tooLarge ? .max : sum
    }

    /// Bytes of the keys and values of a text, in fp32.
    package func cacheBytes(tokens: Int) -> Int {
        var product = 8
        for factor in [settings.layers, settings.kvHeads, settings.headDimension, tokens] {
            let (next, overflows) = product.multipliedReportingOverflow(by: factor)
            if overflows { return .max }
            product = next
        }
        return product
    }

    /// The program of a pass, as a model with these settings has it.
    package func program(_ pass: Pass) throws(ProgramError) -> Program { try Program(Model.graph(architecture, settings, pass)) }

    private static func bytes(_ program: Program) -> Int {
        program.steps.reduce(0) { $0 + ($1.op.isView ? 0 : program.values[$1.output].shape.elementCount * 4) }
    }

    private func program(layers: Int, tokens: Int) throws(ProgramError) -> Program {
        var few = settings
        few.layers = layers
        return try Program(Model.graph(architecture, few, Pass(tokens: tokens)))
    }
}
