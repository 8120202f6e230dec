import Tensors

/// What edits do to numbers.
extension EditPlan {
    /// The value as the rest of the run reads it. `raw` is what its op gave, or what was bound.
    func applied(to id: Int, _ raw: Tensor, _ program: Program, text: TextWindow) throws -> Tensor {
        let hidden = hiddenScores(id, program, raw.shape)
        guard changes[id] != nil || hidden != nil else { return raw }
        if raw.type == .i32 { return try integers(id, raw, program) }
        let given = raw.floats()
        var values = given
        if let hidden { for place in values.indices where hidden(place) { values[place] = -.infinity } }
        for cells in changes[id] ?? [] {
            let change = try number(cells, id, program, raw.shape, text, given)
            raw.shape.forEachPosition(in: try ranges(cells, id, program, raw.shape, text)) { values[$0] = change($0, values[$0]) }
        }
        return try Tensor(raw.shape, values)
    }

    /// ∂(edited)/∂(raw), element by element: 0 where a number was overwritten, f where it was scaled. The gradient of what an edited value
    /// was computed from goes through it; the gradient of the value itself is that of what the rest of the run reads.
    func slopes(of id: Int, _ shape: Shape, _ program: Program) throws -> [Float] {
        var slopes = [Float](repeating: 1, count: shape.elementCount)
        if let hidden = hiddenScores(id, program, shape) { for place in slopes.indices where hidden(place) { slopes[place] = 0 } }
        for cells in changes[id] ?? [] {
            let places = try ranges(cells, id, program, shape, text)
            switch cells.change {
            case .set, .zero, .copy, .hide: shape.forEachPosition(in: places) { slopes[$0] = 0 }
            case .show: shape.forEachPosition(in: places) { slopes[$0] = 1 }
            case .scale(let factor): shape.forEachPosition(in: places) { slopes[$0] *= Float(factor) }
            case .noise, .shift, .freeze: break
            }
        }
        return slopes
    }

    private func ranges(_ cells: EditedCells, _ id: Int, _ program: Program, _ shape: Shape, _ text: TextWindow) throws(EditError)
        -> [Range<Int>]
    {
        var ranges = try cells.selection.ranges(in: shape, of: program.values[id].name, text: text, heads: cells.heads)
        // What a cache holds of earlier passes was edited there.
        guard program.values[id].role == .cache, let rows = shape.axes.firstIndex(where: { $0.name == .token }) else { return ranges }
        ranges[rows] = min(max(ranges[rows].lowerBound, text.first), ranges[rows].upperBound)..<ranges[rows].upperBound
        return ranges
    }

    /// The new number from position and old number.
    private func number(_ cells: EditedCells, _ id: Int, _ program: Program, _ shape: Shape, _ text: TextWindow, _ given: [Float]) throws
        -> (Int, Float) -> Float
    {
        switch cells.change {
        case .set(let value): return { _, _ in Float(value) }
        case .zero: return { _, _ in 0 }
        case .scale(let factor): return { $1 * Float(factor) }
        case .shift(let term): return { $1 + Float(term) }
        case .noise(let sigma, let seed):
            let noise = EditNoise(seed: seed, name: program.values[id].name)
            let first = shape.axes.map { AxisWindow($0, text).first }
            return { $1 + Float(sigma * noise.normal(at: zip(shape.index(at: $0), first).map(+))) }
        case .copy(let run): return try copying(run, id, program, shape, text)
        case .freeze: return { $1 }
        case .hide: return { _, _ in -.infinity }
        case .show: return { place, _ in given[place] }
        }
    }

    /// The number at the same place of another run; where that has none, the own one stays.
    private func copying(_ run: String, _ id: Int, _ program: Program, _ shape: Shape, _ text: TextWindow) throws -> (Int, Float) -> Float {
        guard let other = list.runs[run]?.stepper, let there = other.program.id(of: program.values[id].name),
            let tensor = try other.tensor(there)
        else { throw EditError("run \(run) has not computed \(program.values[id].name)") }
        let first = shape.axes.map { AxisWindow($0, text).first }
        let isSame = tensor.shape.counts == shape.counts && first.allSatisfy { $0 == 0 }
        let values = tensor.floats()
        return { place, own in
            let at = isSame ? place : tensor.shape.position(of: zip(shape.index(at: place), first).map(+))
            return at.map { values[$0] } ?? own
        }
    }

    private func integers(_ id: Int, _ raw: Tensor, _ program: Program) throws -> Tensor {
        var ids = raw.doubles().map { Int32($0) }
        for cells in changes[id] ?? [] {
            let change = try number(cells, id, program, raw.shape, text, [])
            raw.shape.forEachPosition(in: try ranges(cells, id, program, raw.shape, text)) {
                ids[$0] = Int32(clamping: Int(change($0, Float(ids[$0]))))
            }
        }
        return try Tensor(ids: ids, axis: raw.shape.axes.first?.name ?? .token)
    }

    /// Where the model's own mask hides keys although the op that runs sees all.
    private func hiddenScores(_ id: Int, _ program: Program, _ shape: Shape) -> ((Int) -> Bool)? {
        guard let number = program.values[id].step, substitutes[number]?.reason == .opened,
            let scores = program.steps[number].op as? AttentionScores, !scores.capsHidden
        else { return nil }
        let (queries, keys) = (shape[1], shape[2])
        let mask = scores.mask.pass(queries: queries, keys: keys)
        return { place in !mask.range(query: place / keys % queries, keys: keys).contains(place % keys) }
    }
}
