import Engine
import Models
import Tensors

/// A weight that is trained.
package struct Parameter: Sendable, Equatable {
    package let name: String
    package let shape: Shape
    /// Its part of the learning rate.
    package let ratio: Double

    /// The weights that the settings want trained, in the program's order; the model has its adapter already.
    package static func all(of model: Model, _ settings: TrainingSettings) throws -> [Parameter] {
        let program = try model.program(Pass(tokens: 2))
        let tables = Parameter.tables(program)
        let frozen = try FrozenLayers(settings.freeze, layers: program.layerCount)
        return program.weights.compactMap { id in
            let value = program.values[id]
            if let layer = value.layer, frozen.contains(layer) { return nil }
            if isAdapter(value.name) || value.name == Objective.score || Objective.isFutureHead(value.name) {
                return Parameter(name: value.name, shape: value.shape, ratio: 1)
            }
            let ratio = tables.contains(id) && settings.embeddingRatio > 0 ? settings.embeddingRatio : 1
            let trained = !settings.method.isAdapter || (tables.contains(id) && settings.embeddingRatio > 0)
            return trained ? Parameter(name: value.name, shape: value.shape, ratio: ratio) : nil
        }
    }

    package static func isAdapter(_ name: String) -> Bool { LowRank.isFactor(name) }

    /// Whether what makes the logits is trained, or has an adapter.
    static func hasHead(_ model: Model, _ trained: Set<String>) throws -> Bool {
        let program = try model.program(Pass(tokens: 2))
        guard let head = program.headStep else { return true }
        return head.inputs.contains { trained.contains(program.values[$0].name) }
    }

    /// Embedding tables, and the matrix that makes the logits.
    private static func tables(_ program: Program) -> Set<Int> {
        var tables: Set<Int> = []
        for step in program.steps where step.op is Embedding { tables.insert(step.inputs[1]) }
        if let head = program.headStep { tables.insert(head.inputs[1]) }
        return tables
    }
}

/// `0-3,7` as layers.
package struct FrozenLayers: Sendable {
    private let layers: Set<Int>

    package init(_ text: String, layers count: Int) throws(SettingError) {
        var layers: Set<Int> = []
        for part in text.split(separator: ",") {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let low = ends[0], let high = ends.count == 2 ? ends[1] : low, ends.count <= 2, low >= 0, low <= high, high < count else {
                throw SettingError(rule: "--freeze takes layers of 0…\(count - 1) as in 0-3,7; '\(part.prefix(40))' is none")
            }
            layers.formUnion(low...high)
        }
        self.layers = layers
    }

    package func contains(_ layer: Int) -> Bool { layers.contains(layer) }
}
