import Engine
import Models
import Tensors

/// The values of one layer's rotation, whatever the architecture calls its modules.
package struct RopeValues: Sendable, Hashable {
    package let layer: Int
    /// [head, token, dimension], before and after.
    package let q: Int
    package let turnedQ: Int
    /// [key head, token, dimension], before.
    package let k: Int
    /// [token, pair]
    package let cos: Int
    package let sin: Int
    /// θ [pair], and what made it.
    package let frequencies: Int
    package let heads: Int
    package let keyHeads: Int
    package let tokens: Int
    package let dimension: Int
    package let pairs: Int
    /// A pair is two neighbours, or one dimension of each half.
    package let interleaved: Bool
    package let source: Source?
    /// Of the layer's scores; 1 and 0 where there are none.
    package let scale: Double
    package let softcap: Double

    /// What made θ.
    package struct Source: Sendable, Hashable {
        package let base: Double
        package let dimensions: Int
        package let scaling: RopeFrequencies.Scaling
    }

    package func keyHead(of head: Int) -> Int { head / max(heads / max(keyHeads, 1), 1) }

    /// The two dimensions of a pair.
    package func dimensions(of pair: Int) -> (Int, Int) { interleaved ? (2 * pair, 2 * pair + 1) : (pair, pair + pairs) }
}

/// Positions as a table that was learned, as in GPT-2.
package struct LearnedPositions: Sendable, Hashable {
    /// [position, feature]
    package let table: Int
    package let positions: Int
    package let features: Int
}

extension Program {
    /// The layers that rotate, in order.
    package var ropeLayers: [Int] { rotations.compactMap { values[$0.output].layer } }

    /// What turns the queries and keys of a layer.
    package func rope(layer: Int) -> RopeValues? {
        guard let turn = rotations.first(where: { values[$0.output].layer == layer }), let op = turn.op as? Rope, turn.inputs.count == 3,
            let k = id(of: values[turn.output].name.replacing(".q_rope", with: ".k_rope")).flatMap({ values[$0].step }),
            let table = values[turn.inputs[1]].step, let frequencies = steps[table].inputs.first
        else { return nil }
        let shape = values[turn.output].shape
        let source = values[frequencies].step.flatMap { steps[$0].op as? RopeFrequencies }
            .map { RopeValues.Source(base: $0.base, dimensions: $0.dimensions, scaling: $0.scaling) }
        let attention = attention(layer: layer)
        return RopeValues(
            layer: layer, q: turn.inputs[0], turnedQ: turn.output, k: steps[k].inputs[0], cos: turn.inputs[1], sin: turn.inputs[2],
            frequencies: frequencies, heads: shape[0], keyHeads: values[steps[k].output].shape[0], tokens: shape[1], dimension: shape[2],
            pairs: values[frequencies].shape[0], interleaved: op.interleaved, source: source, scale: attention?.scale ?? 1,
            softcap: attention?.softcap ?? 0)
    }

    private var rotations: [Step] { steps.filter { $0.op is Rope && values[$0.output].name.hasSuffix(".q_rope") } }

    /// The table that positions are looked up in; nil if there is none.
    package var learnedPositions: LearnedPositions? {
        guard let positions = id(of: "position_ids"),
            let lookup = steps.first(where: { $0.op is Embedding && $0.inputs.count == 2 && $0.inputs[0] == positions })
        else { return nil }
        let shape = values[lookup.inputs[1]].shape
        return LearnedPositions(table: lookup.inputs[1], positions: shape[0], features: shape[1])
    }
}

/// Where the RoPE screen's cursor is, after everything that may have changed under it.
package struct RopeFocus: Sendable, Hashable {
    package let values: RopeValues
    package let head: Int
    /// Any position of the model's context, in the text or beyond it.
    package let position: Int
    package let pair: Int
    /// Tokens before the pass, and the model's longest text.
    package let past: Int
    package let context: Int

    package var layer: Int { values.layer }
    /// The position of the token whose q is turned: the cursor's own, or the nearest of the pass.
    package var token: Int { min(max(position, past), past + values.tokens - 1) }
    package var isInPass: Bool { token == position }

    func turn(at position: Int) -> Request { .rope(.turn(layer: layer, head: head, position: position)) }
}

extension Session {
    /// Nil while no model runs, or for a model that does not rotate.
    package var ropeFocus: RopeFocus? {
        guard let snapshot, let model, let values = ropeValues(snapshot.stepper.program) else { return nil }
        let position = rope.position ?? snapshot.past + values.tokens - 1
        return RopeFocus(
            values: values, head: min(max(rope.head, 0), values.heads - 1), position: min(max(position, 0), model.settings.context - 1),
            pair: min(max(rope.pair, 0), values.pairs - 1), past: snapshot.past, context: model.settings.context)
    }

    private func ropeValues(_ program: Program) -> RopeValues? {
        if let values = program.rope(layer: rope.layer) { return values }
        let nearest = program.ropeLayers.min { abs($0 - rope.layer) < abs($1 - rope.layer) }
        return nearest.flatMap { program.rope(layer: $0) }
    }

    func ropeTurn(_ focus: RopeFocus) -> RopeTurn? {
        if case .rope(.turn(let turn))? = answers[focus.turn(at: focus.position)] { return turn }
        return nil
    }

    /// The turn at the cursor and at its neighbours, so that moving by one is shown at once.
    func ropeRequests(_ focus: RopeFocus) -> [Request] {
        guard snapshot?.stepper.isComputed(focus.values.q) == true else { return [] }
        return [focus.position, focus.position - 1, focus.position + 1].filter { (0..<focus.context).contains($0) }.map(focus.turn)
    }
}
