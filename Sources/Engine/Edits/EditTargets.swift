import Tensors

/// What an edit means in a program.
extension Edit {
    /// The values that the edit changes, in running order.
    package func values(in program: Program) throws(EditError) -> [Int] {
        switch target {
        case .values(let name, _): return try Edit.named(name, change, program)
        case .head(let layer, let head):
            let id = try program.editable(layer, "attention", program.contexts)
            let count = program.heads(of: id)?.count ?? 0
            guard head < count else { throw EditError("layer \(layer) has \(count) heads, 0…\(count - 1); there is no L\(layer)H\(head)") }
            return [id]
        case .block(let layer, .attention): return [try program.editable(layer, "attention", program.attentionOutputs)]
        case .block(let layer, .mlp): return [try program.editable(layer, "MLP", program.mlpOutputs)]
        case .mask(let layer, _, _, _):
            guard let layer else { return program.scores }
            return [try program.editable(layer, "attention", program.scores)]
        }
    }

    /// The part of each of those values.
    var selection: CellSelection {
        switch target {
        case .values(_, let selection): selection
        case .head(_, let head): CellSelection([.init(.head, .one(head))])
        case .block: CellSelection()
        case .mask(_, let head, let query, let key):
            CellSelection([.init(.head, head.map { .one($0) } ?? .all), .init(.query, query), .init(.key, key)])
        }
    }

    private static func named(_ name: String, _ change: Change, _ program: Program) throws(EditError) -> [Int] {
        let isPattern = name.contains("*") || name.contains("?")
        let pattern = NamePattern(name)
        var found = isPattern ? program.ids(matching: pattern) : program.id(of: name).map { [$0] } ?? []
        if found.isEmpty { throw EditError("there is no value '\(name)'\(Edit.suggestion(pattern, program))") }
        found = found.filter { program.isEditable($0) }
        if found.isEmpty { throw EditError("'\(name)' follows from other values; edit what it is computed from") }
        guard change == .freeze else { return found }
        found = found.filter { program.isNorm($0) }
        if found.isEmpty { throw EditError("'\(name)' is no norm; freeze keeps the scale of RMSNorm or LayerNorm") }
        return found
    }

    private static func suggestion(_ pattern: NamePattern, _ program: Program) -> String {
        let near = program.ids(matching: pattern).filter { program.isEditable($0) }.prefix(3).map { program.values[$0].name }
        return near.isEmpty ? "; / finds names, * and ? stand for any" : "; there is \(near.joined(separator: ", "))"
    }
}

extension Program {
    /// Weights, inputs and what is computed forward; gradients follow, and a cache's past is an earlier pass's own.
    func isEditable(_ id: Int) -> Bool {
        let value = values[id]
        return value.role != .gradient && (value.role != .cache || value.step != nil)
    }

    func isNorm(_ id: Int) -> Bool { op(of: id) is RMSNorm || op(of: id) is LayerNorm }

    func op(of id: Int) -> (any Op)? { values[id].step.map { steps[$0].op } }

    private func written<T: Op>(by type: T.Type) -> [Int] { steps.filter { $0.op is T }.map(\.output) }

    /// Attention's contexts [token, head · D] and scores [head, query, key], one a layer.
    package var contexts: [Int] { written(by: AttentionContext.self) }
    package var scores: [Int] { written(by: AttentionScores.self) }

    /// What attention adds to the stream: the projection of the context.
    package var attentionOutputs: [Int] { contexts.flatMap { consumers(of: $0).filter { $0 < forwardCount }.map { steps[$0].output } } }

    /// What the MLPs add to the stream.
    package var mlpOutputs: [Int] {
        values.indices.filter { id in
            values[id].step != nil && values[id].layer != nil && ([values[id].name] + values[id].aliases).contains { $0.hasSuffix(".mlp") }
                && values[id].role != .gradient
        }
    }

    fileprivate func editable(_ layer: Int, _ what: String, _ candidates: [Int]) throws(EditError) -> Int {
        if let id = candidates.first(where: { values[$0].layer == layer }) { return id }
        let layers = candidates.compactMap { values[$0].layer }
        guard let low = layers.min(), let high = layers.max() else { throw EditError("this model has no \(what)") }
        throw EditError("there is no \(what) in layer \(layer); layers are \(low)…\(high)")
    }

    /// The heads side by side in a value without an axis of heads: a context, or what one split into heads reads.
    func heads(of id: Int) -> HeadRange? {
        let shape = values[id].shape
        if let number = values[id].step, steps[number].op is AttentionContext, shape.rank == 2 {
            let count = values[steps[number].inputs[0]].shape[0]
            return HeadRange(count: count, dimension: shape[1] / max(count, 1), offset: 0)
        }
        let views = steps.filter { $0.inputs == [id] }.compactMap { $0.op as? HeadView }
        guard views.count == 1 else { return nil }
        return HeadRange(count: views[0].heads, dimension: views[0].headDimension, offset: views[0].offset)
    }

    /// Which whole numbers an input may hold: ids that a table has rows for, targets inside the vocabulary.
    func allowed(_ id: Int) -> ClosedRange<Int> {
        var top = Int(Int32.max)
        var bottom = 0
        for step in consumers(of: id).map({ steps[$0] }) {
            if step.op is Embedding, step.inputs.first == id { top = min(top, values[step.inputs[1]].shape[0] - 1) }
            if step.op is CrossEntropy, step.inputs.last == id { (bottom, top) = (-100, min(top, values[step.inputs[0]].shape[1] - 1)) }
        }
        return bottom...max(top, bottom)
    }
}
