import Checkpoints
import Engine
import Tensors

/// The block vocabulary in which architectures are written. A block enters when a second architecture needs it; what differs is an argument.
extension Graph {
    /// ids [token] → rows of a table, named `part`.
    mutating func embedding(_ ids: Node, _ part: String, rows: Int, width: Int, role: ValueRole = .activation) -> (value: Node, table: Node)
    {
        let table = weight("\(part).weight", Shape((.vocabulary, rows), (.feature, width)))
        return (apply(Embedding(), [ids, table], as: part, role: role), table)
    }

    mutating func rmsNorm(_ x: Node, _ part: String, epsilon: Double) -> Node {
        apply(RMSNorm(epsilon: epsilon), [x, weight("\(part).weight", Shape((.feature, x.shape.rowLength)))], as: part)
    }

    mutating func layerNorm(_ x: Node, _ part: String, epsilon: Double) -> Node {
        let shape = Shape((.feature, x.shape.rowLength))
        return apply(LayerNorm(epsilon: epsilon), [x, weight("\(part).weight", shape), weight("\(part).bias", shape)], as: part)
    }

    /// Adds a block's output to the stream; the sum is `part`, or the current module's own value.
    mutating func residual(_ stream: Node, _ block: Node, as part: String = "") -> Node {
        apply(Add(), [stream, block], as: part, role: .residual)
    }

    /// θ, cos and sin for the positions, under `model.rotary_emb`.
    mutating func ropeTables(_ rope: RopeSettings, dimensions: Int, positions: Node) -> RopeTables {
        module("rotary_emb") { graph in
            let frequencies = graph.apply(
                RopeFrequencies(base: rope.theta, dimensions: dimensions, scaling: rope.kind.scaling), [], as: "inv_freq")
            return RopeTables(
                cos: graph.apply(RopeTable(.cos), [frequencies, positions], as: "cos"),
                sin: graph.apply(RopeTable(.sin), [frequencies, positions], as: "sin"))
        }
    }

    /// From queries, keys and values per head to the context [token, head · D]: rotation, cache, scores, probs.
    mutating func attention(q: Node, k: Node, v: Node, rope: RopeTables?, scale: Double, pass: Pass, window: Int = 0) -> Node {
        let mask = AttentionMask(window: window, packed: pass.packed)
        let name = Pass.firstKeys
        let first = pass.packed ? [node(named: name) ?? input(name, Shape((.token, pass.tokens)))] : []
        let turnedQ = rope.map { apply(Rope(), [q, $0.cos, $0.sin], as: "q_rope") } ?? q
        let turnedK = rope.map { apply(Rope(), [k, $0.cos, $0.sin], as: "k_rope") } ?? k
        let keys = pass.caches ? cache(turnedK, "k_cache", past: pass.past) : turnedK
        let values = pass.caches ? cache(v, "v_cache", past: pass.past) : v
        let scores = apply(AttentionScores(scale: scale, mask: mask), [turnedQ, keys] + first, as: "scores")
        let probs = apply(Softmax(mask: mask), [scores] + first, as: "probs")
        return apply(AttentionContext(mask: mask), [probs, values] + first, as: "context")
    }

    private mutating func cache(_ new: Node, _ part: String, past: Int) -> Node {
        let shape = Shape([new.shape.axes[0], Axis(.token, past), new.shape.axes[2]])
        let earlier = input(name("\(part).past"), shape, role: .cache)
        return apply(AppendCache(), [earlier, new], as: part, role: .cache)
    }

    mutating func heads(_ x: Node, _ part: String, count: Int, dimension: Int, offset: Int = 0) -> Node {
        apply(HeadView(heads: count, headDimension: dimension, offset: offset), [x], as: part)
    }

    /// act(gate(x)) · up(x), then down: the module's own value.
    mutating func gatedMLP(_ x: Node, intermediate: Int, activation: ElementFunction, bias: Bool) -> Node {
        let wide = Axis(.feature, intermediate)
        let gate = linear(x, "gate_proj", output: wide, bias: bias)
        let act = apply(Activation(activation), [gate], as: "act_fn")
        let up = linear(x, "up_proj", output: wide, bias: bias)
        let product = apply(Multiply(), [act, up], as: "product")
        let down = linear(product, "down_proj", output: x.shape.axes[x.shape.rank - 1], bias: bias)
        alias(down)
        return down
    }

    /// The logits over the vocabulary, from a table of their own or the embedding's.
    mutating func head(_ x: Node, vocabulary: Int, tied: Node?) -> Node {
        let logits = linear(x, "lm_head", output: Axis(.vocabulary, vocabulary), weight: tied)
        alias(logits, as: "logits")
        return logits
    }
}

extension RopeSettings.Kind {
    var scaling: RopeFrequencies.Scaling {
        switch self {
        case .default: .none
        case .linear(let factor): .linear(factor: factor)
        case .llama3(let factor, let low, let high, let positions):
            .llama3(factor: factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext: Double(positions))
        }
    }
}

extension SettingsReader {
    /// Hugging Face's names (`ACT2FN`) for the functions known here.
    mutating func activation(_ key: String, default fallback: String) throws(CheckpointError) -> ElementFunction {
        try oneOf(
            key,
            [
                "silu": .silu, "swish": .silu, "gelu": .geluErf, "gelu_python": .geluErf, "gelu_new": .geluNew,
                "gelu_pytorch_tanh": .geluTanh,
                "gelu_fast": .geluNew, "quick_gelu": .geluQuick, "relu": .relu, "relu2": .reluSquared,
            ], default: fallback)
    }
}

/// cos and sin [token, pair].
struct RopeTables {
    let cos: Node
    let sin: Node
}
