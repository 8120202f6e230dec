import RealModule
import Tensors

/// The likeliest next tokens of one position.
package struct TokenRanking: Sendable {
    package struct Entry: Sendable, Hashable {
        package let id: Int
        package let logit: Float
        package let probability: Float
    }

    /// Likeliest first, ties by lowest id.
    package let top: [Entry]
    /// In nats.
    package let entropy: Double

    /// Ranks one row of logits by softmax at temperature 1.
    package init(logits: UnsafeBufferPointer<Float>, probabilities: UnsafeBufferPointer<Float>, count: Int) {
        var best: [Entry] = []
        var entropy = 0.0
        for id in 0..<logits.count {
            let p = probabilities[id]
            if p > 0 { entropy -= Double(p) * Double(p).logarithm }
            if best.count == count, let last = best.last, !(logits[id] > last.logit) { continue }
            let place = best.firstIndex { logits[id] > $0.logit } ?? best.count
            best.insert(Entry(id: id, logit: logits[id], probability: p), at: place)
            if best.count > count { best.removeLast() }
        }
        top = best
        self.entropy = entropy
    }

    /// One ranking a row of logits [rows, vocabulary].
    package static func rows(of logits: Tensor, count: Int, threads: Int) throws -> [TokenRanking] {
        let logits = try logits.contiguous()
        let probabilities = try Kernels.softmax(logits, mask: nil, threads: threads)
        let width = logits.shape.rowLength
        return withExtendedLifetime((logits, probabilities)) {
            let z = logits.bytes.bindMemory(to: Float.self)
            let p = probabilities.bytes.bindMemory(to: Float.self)
            return (0..<logits.shape.rowCount).map { row in
                let range = row * width..<(row + 1) * width
                return TokenRanking(
                    logits: UnsafeBufferPointer(rebasing: z[range]), probabilities: UnsafeBufferPointer(rebasing: p[range]), count: count)
            }
        }
    }
}

extension Double {
    fileprivate var logarithm: Double { Double.log(self) }
}

/// What the model would say if it stopped after a layer: final norm and head on each residual (nostalgebraist 2020).
package struct LogitLens: Sendable {
    package struct Row: Sendable {
        /// The residual's value.
        package let value: Int
        /// The layer it comes from; −1 for the embedding.
        package let layer: Int
        /// One a position of `positions`.
        package let rankings: [TokenRanking]
    }

    package let positions: Range<Int>
    package let rows: [Row]

    /// Needs every residual of the pass; `interrupted` is asked between layers.
    package init?(_ stepper: Stepper, positions: Range<Int>, count: Int, interrupted: () -> Bool = { false }) throws {
        let program = stepper.program
        guard let logits = program.id(of: "logits"), let last = LogitLens.streams(program).last, stepper.isComputed(last) else {
            return nil
        }
        self.positions = positions
        var rows: [Row] = []
        for id in LogitLens.streams(program) where program.values[id].shape.counts == program.values[last].shape.counts {
            if interrupted() { return nil }
            guard let residual = try stepper.tensor(id) else { continue }
            let part = residual.view(
                Shape([Axis(.token, positions.count), residual.shape.axes[1]]), strides: residual.strides,
                offset: positions.lowerBound * residual.stride(0))
            let result = try stepper.replay(
                to: logits, replacing: last, by: part.contiguous(),
                textEnd: stepper.textEnd(ofRow: positions.upperBound, of: residual.shape))
            rows.append(
                Row(
                    value: id, layer: program.values[id].layer ?? -1,
                    rankings: try TokenRanking.rows(of: result, count: count, threads: stepper.policy.threads)))
        }
        self.rows = rows
    }

    /// The stream after the embedding and after each block, in running order: residuals that are a block's own value.
    package static func streams(_ program: Program) -> [Int] {
        program.steps.map(\.output).filter { id in
            let value = program.values[id]
            guard value.role == .residual else { return false }
            return LayerPath(value.name)?.rest.isEmpty ?? true
        }
    }
}

extension Program {
    /// The residual stream one layer earlier, or of a gradient of the stream the gradient one layer later: what was walked before it.
    /// Nil for everything else.
    func streamBefore(_ id: Int) -> Int? {
        let name = values[id].name
        let isGradient = values[id].role == .gradient && !values[id].isPart
        guard isGradient || values[id].role == .residual, let own = isGradient ? self.id(of: String(name.dropFirst(5))) : id,
            values[own].role == .residual
        else { return nil }
        let streams = LogitLens.streams(self)
        guard let at = streams.firstIndex(of: own) else { return nil }
        let neighbour = at + (isGradient ? 1 : -1)
        guard streams.indices.contains(neighbour) else { return nil }
        return isGradient ? gradient(of: streams[neighbour]) : streams[neighbour]
    }
}

extension Stepper {
    /// Computes `target` with another tensor in the place of value `id`; only what lies between is run, with this run's kernels, and
    /// nothing is recorded. `textEnd` says where in the text the last row of a shorter tensor ends.
    package func replay(to target: Int, replacing id: Int, by tensor: Tensor, textEnd: Int? = nil) throws -> Tensor {
        var made: [Int: Tensor] = [id: tensor]
        let text = textEnd.map { TextWindow(end: $0, horizon: edits.text.horizon) }
        for (number, step) in program.steps.enumerated() where step.inputs.contains(where: { made[$0] != nil }) {
            guard number > (program.values[id].step ?? -1) else { continue }
            made[step.output] = try run(number, inputs: inputs(of: number, step.inputs) { try made[$0] ?? input($0) }, text: text)
            if step.output == target { break }
        }
        guard let result = made[target] else {
            throw BindingError(rule: "\(program.values[target].name) does not follow from \(program.values[id].name)")
        }
        return result
    }

    /// Where in the text the first `row` rows of a value of the pass end.
    func textEnd(ofRow row: Int, of shape: Shape) -> Int { edits.text.end - shape[0] + row }

    private func input(_ id: Int) throws -> Tensor {
        guard let tensor = try tensor(id) else { throw BindingError(rule: "\(program.values[id].name) has not been computed") }
        return tensor
    }
}
