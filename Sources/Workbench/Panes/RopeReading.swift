import Engine
import Tensors

/// What the RoPE screen asks of the engine.
package enum RopeQuestion: Hashable, Sendable {
    /// cos or sin of so many positions from one on, whether the text is that long or not.
    case table(layer: Int, function: RopeTable.Function, from: Int, count: Int)
    /// q of a head turned to a position.
    case turn(layer: Int, head: Int, position: Int)
    /// The score of q and k so many positions apart, 0 up to `count`.
    case distances(layer: Int, head: Int, position: Int, count: Int)
    /// How alike the learned vectors of other positions are to that of one.
    case likeness(position: Int)
}

package enum RopeAnswer: Sendable {
    case table(RopeWindow)
    case turn(RopeTurn)
    case distances(RopeDistances)
    case likeness([Float])
}

/// A part of the table, pair after pair.
package struct RopeWindow: Sendable {
    package let pairs: Int
    package let count: Int
    package let values: [Float]
}

/// q before and after, pair by pair.
package struct RopeTurn: Sendable {
    package struct Pair: Sendable, Hashable {
        package let theta: Double
        /// m·θ in radians, as the engine computes it in fp32.
        package let angle: Double
        package let cos: Double
        package let sin: Double
        package let before: [Double]
        package let after: [Double]
    }

    /// Where the token stands whose q it is.
    package let token: Int
    package let pairs: [Pair]
    package let norm: Double
    package let turnedNorm: Double

    /// fp32 rotations keep the length to a few ulps.
    package var keepsNorm: Bool { abs(norm - turnedNorm) <= 1e-5 * max(norm, 1e-30) }
}

/// Scores, scaled and capped as the layer's own, by distance.
package struct RopeDistances: Sendable {
    /// q and k of one token.
    package let own: [Float]
    /// The mean q and the mean k of the pass: the mean of all its pairs, were they so far apart.
    package let mean: [Float]
    /// Vectors of ones: what rotation alone does.
    package let ones: [Float]
    /// The largest difference of `own` if both stand `shift` positions later.
    package let shift: Int
    package let difference: Double
}

/// Answers the RoPE screen's questions with the engine's own ops, on the engine thread.
struct RopeReader {
    let stepper: Stepper
    let threads: Int

    func answer(_ question: RopeQuestion) throws -> RopeAnswer {
        switch question {
        case .table(let layer, let function, let from, let count): return .table(try window(values(layer), function, from, count))
        case .turn(let layer, let head, let position): return .turn(try turn(values(layer), head, position))
        case .distances(let layer, let head, let position, let count):
            return .distances(try distances(values(layer), head, position, count))
        case .likeness(let position): return .likeness(try likeness(position))
        }
    }

    private func values(_ layer: Int) throws -> RopeValues {
        guard let values = stepper.program.rope(layer: layer) else { throw AttentionFault(rule: "layer \(layer) does not rotate") }
        return values
    }

    private func tensor(_ id: Int) throws -> Tensor {
        guard let tensor = try stepper.tensor(id) else { throw AttentionFault(rule: "not computed yet") }
        return tensor
    }

    private func run(_ op: any Op, _ inputs: [Tensor]) throws -> Tensor {
        let shape = try op.outputShape(inputs.map(\.shape))
        if let kernel = op.kernels.first { return try kernel.run(inputs, shape, threads) }
        let result = op.reference(inputs.map { Dense<Float>($0) })
        return try Tensor(result.shape, result.values)
    }

    // MARK: the table

    /// The positions of the prompt's first token; the recorded table begins there.
    private var past: Int {
        guard let id = stepper.program.id(of: "position_ids"), let first = try? stepper.tensor(id)?.value(at: [0]) else { return 0 }
        return Int(first)
    }

    /// By the run's own op, which a quirk may have changed.
    private func table(_ values: RopeValues, _ function: RopeTable.Function, _ positions: Range<Int>) throws -> Tensor {
        let program = stepper.program
        let op = program.values[recorded(values, function)].step.map { program.steps[$0].op } ?? RopeTable(function)
        return try run(op, [tensor(values.frequencies), Tensor(ids: positions.map { Int32($0) })])
    }

    private func recorded(_ values: RopeValues, _ function: RopeTable.Function) -> Int { function == .cos ? values.cos : values.sin }

    /// The recorded row of a position where the run has it, and the same op's for all others.
    private func row(_ values: RopeValues, _ function: RopeTable.Function, _ position: Int) throws -> [Float] {
        let row = position - past
        if (0..<values.tokens).contains(row), let table = try stepper.tensor(recorded(values, function)) { return table[row].floats() }
        return try table(values, function, position..<position + 1).floats()
    }

    /// Recorded rows where the run has them, and the same op's for all others.
    private func window(_ values: RopeValues, _ function: RopeTable.Function, _ from: Int, _ count: Int) throws -> RopeWindow {
        let made = try table(values, function, from..<from + max(count, 0)).floats()
        let recorded = try stepper.tensor(recorded(values, function))?.floats() ?? []
        let pairs = values.pairs
        let numbers = (0..<pairs * count).map { place -> Float in
            let (pair, position) = (place / count, from + place % count)
            let row = position - past
            return recorded.indices.contains(row * pairs + pair) && row >= 0
                ? recorded[row * pairs + pair] : made[(position - from) * pairs + pair]
        }
        return RopeWindow(pairs: pairs, count: count, values: numbers)
    }

    // MARK: turning

    private func turned(_ x: Tensor, _ values: RopeValues, _ positions: Range<Int>) throws -> Tensor {
        try run(Rope(interleaved: values.interleaved), [x, table(values, .cos, positions), table(values, .sin, positions)])
    }

    private func turn(_ values: RopeValues, _ head: Int, _ position: Int) throws -> RopeTurn {
        let row = min(max(position - past, 0), values.tokens - 1)
        let q = try tensor(values.q)[head][row]
        let recorded = past + row == position ? try stepper.tensor(values.turnedQ)?[head][row].floats() : nil
        let after = try recorded ?? turned(AttentionReader.alone(q), values, position..<position + 1).floats()
        let (cos, sin) = (try self.row(values, .cos, position), try self.row(values, .sin, position))
        let (theta, before) = (try tensor(values.frequencies).floats(), q.floats())
        let pairs = (0..<values.pairs).map { pair in
            let (i, j) = values.dimensions(of: pair)
            return RopeTurn.Pair(
                theta: Double(theta[pair]), angle: Double(Float(position) * theta[pair]), cos: Double(cos[pair]),
                sin: Double(sin[pair]), before: [Double(before[i]), Double(before[j])],
                after: [Double(after[i]), Double(after[j])])
        }
        return RopeTurn(token: past + row, pairs: pairs, norm: RopeReader.norm(before), turnedNorm: RopeReader.norm(after))
    }

    private static func norm(_ x: [Float]) -> Double { x.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot() }

    // MARK: distances

    private func distances(_ values: RopeValues, _ head: Int, _ position: Int, _ count: Int) throws -> RopeDistances {
        let row = min(max(position - past, 0), values.tokens - 1)
        let (qs, ks) = (try tensor(values.q)[head], try tensor(values.k)[values.keyHead(of: head)])
        let own = try scores(values, qs[row], ks[row], count: count, from: 0)
        let ones = try Tensor(Shape((.feature, values.dimension)), [Float](repeating: 1, count: values.dimension))
        let shift = 100
        let later = try scores(values, qs[row], ks[row], count: count, from: shift)
        return RopeDistances(
            own: own, mean: try scores(values, mean(qs), mean(ks), count: count, from: 0),
            ones: try scores(values, ones, ones, count: count, from: 0),
            shift: shift, difference: zip(own, later).map { abs(Double($0) - Double($1)) }.max() ?? 0)
    }

    /// The layer's score of q at positions `from`, `from` + 1, … and k at `from`.
    private func scores(_ values: RopeValues, _ q: Tensor, _ k: Tensor, count: Int, from: Int) throws -> [Float] {
        let row = q.floats()
        let copies = try Tensor(Shape((.head, 1), (.token, count), (.feature, row.count)), (0..<count).flatMap { _ in row })
        let queries = try turned(copies, values, from..<from + count)
        let key = try turned(AttentionReader.alone(k.contiguous()), values, from..<from + 1)
        let op = AttentionScores(scale: values.scale, softcap: values.softcap, mask: AttentionMask(causal: false))
        return try run(op, [queries, key]).floats()
    }

    /// Over tokens: [token, dimension] → [dimension].
    private func mean(_ x: Tensor) throws -> Tensor {
        let (tokens, width, numbers) = (x.shape[0], x.shape[1], x.floats())
        let flipped = Dense<Float>(Shape((.feature, width), (.token, tokens))) { numbers[$0 % tokens * width + $0 / tokens] }
        let means = Reduce(.mean).reference([flipped])
        return try Tensor(Shape((.feature, means.values.count)), means.values)
    }

    // MARK: learned positions

    /// Dot products of one row of the table with all rows, over the lengths of both.
    private func likeness(_ position: Int) throws -> [Float] {
        guard let learned = stepper.program.learnedPositions else { throw AttentionFault(rule: "positions are not learned") }
        let table = try tensor(learned.table)
        let row = try table[position].contiguous().view(Shape((.token, 1), (.feature, learned.features)))
        let dots = try run(Linear(output: Axis(.position, learned.positions)), [row, table]).floats()
        let lengths = (0..<learned.positions).map { RopeReader.norm(table[$0].floats()) }
        return dots.indices.map { Float(Double(dots[$0]) / (lengths[$0] * lengths[position])) }
    }
}
