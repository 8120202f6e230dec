import Checkpoints
import Engine
import Tensors

/// The block vocabulary in which architectures are written. A block enters when a second architecture needs it; what differs is an argument.
extension Graph {
    /// A decoder of equal blocks over one stream, as Llama's: rows of a table, the blocks, a norm, a head. `factor` scales the rows; `block`
    /// gets the stream, its layer's number and the tables of the rotation, and gives the stream after it.
    mutating func decoder(
        _ s: ModelSettings, _ pass: Pass, factor: Double? = nil, norm: RMSNorm, block: (inout Graph, Node, Int, RopeTables?) -> Node
    ) -> Node {
        let ids = input("input_ids", Shape((.token, pass.tokens)))
        let positions = input("position_ids", Shape((.token, pass.tokens)))
        let (x, table) = module("model") { graph in
            let start = graph.embedding(ids, "embed_tokens", rows: s.vocabulary, width: s.hidden, factor: factor, role: .residual)
            let rope = s.rope.map { graph.ropeTables($0, dimensions: s.headDimension, positions: positions) }
            let end = (0..<s.layers).reduce(start.value) { x, layer in graph.module("layers.\(layer)") { block(&$0, x, layer, rope) } }
            return (graph.rmsNorm(end, "norm", norm), start.table)
        }
        return head(x, vocabulary: s.vocabulary, tied: s.tied ? table : nil, cap: s.logitCap)
    }

    /// ids [token] → rows of a table, named `part`; with a factor they are `part.rows`, and scaled they are `part`.
    mutating func embedding(
        _ ids: Node, _ part: String, rows: Int, width: Int, factor: Double? = nil, role: ValueRole = .activation
    ) -> (value: Node, table: Node) {
        let table = weight("\(part).weight", Shape((.vocabulary, rows), (.feature, width)))
        guard let factor else { return (apply(Embedding(), [ids, table], as: part, role: role), table) }
        let picked = apply(Embedding(), [ids, table], as: "\(part).rows")
        return (apply(Scale(factor), [picked], as: part, role: role), table)
    }

    mutating func rmsNorm(_ x: Node, _ part: String, _ norm: RMSNorm) -> Node {
        apply(norm, [x, weight("\(part).weight", Shape((.feature, x.shape.rowLength)))], as: part)
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

    /// The module `self_attn`: separate projections, rotation, grouped keys and values, and the projection of what comes out.
    mutating func selfAttention(_ x: Node, _ s: ModelSettings, _ rope: RopeTables?, _ pass: Pass, window: Int = 0) -> Node {
        module("self_attn") { graph in
            let narrow = Axis(.feature, s.kvHeads * s.headDimension)
            let q = graph.linear(x, "q_proj", output: Axis(.feature, s.heads * s.headDimension), bias: s.attentionBias)
            let k = graph.linear(x, "k_proj", output: narrow, bias: s.attentionBias)
            let v = graph.linear(x, "v_proj", output: narrow, bias: s.attentionBias)
            let context = graph.attention(
                q: graph.heads(q, "q", count: s.heads, dimension: s.headDimension),
                k: graph.heads(k, "k", count: s.kvHeads, dimension: s.headDimension),
                v: graph.heads(v, "v", count: s.kvHeads, dimension: s.headDimension), rope: rope, scale: s.scoreScale, cap: s.scoreCap,
                pass: pass, window: window)
            let output = graph.linear(context, "o_proj", output: Axis(.feature, s.hidden), bias: s.attentionBias)
            graph.alias(output)
            return output
        }
    }

    /// From queries, keys and values per head to the context [token, head · D]: rotation, cache, scores, probs, the latter in fp32 and cast if
    /// the architecture `upcasts` them.
    mutating func attention(
        q: Node, k: Node, v: Node, rope: RopeTables?, scale: Double, cap: Double = 0, pass: Pass, window: Int = 0, upcasts: Bool = true
    ) -> Node {
        let mask = AttentionMask(window: window, packed: pass.packed)
        let name = Pass.firstKeys
        let first = pass.packed ? [node(named: name) ?? input(name, Shape((.token, pass.tokens)))] : []
        let turnedQ = rope.map { apply(Rope(), [q, $0.cos, $0.sin], as: "q_rope") } ?? q
        let turnedK = rope.map { apply(Rope(), [k, $0.cos, $0.sin], as: "k_rope") } ?? k
        let keys = pass.caches ? cache(turnedK, "k_cache", past: pass.past) : turnedK
        let values = pass.caches ? cache(v, "v_cache", past: pass.past) : v
        let scores = apply(AttentionScores(scale: scale, softcap: cap, mask: mask), [turnedQ, keys] + first, as: "scores")
        let probs = apply(Softmax(mask: mask, upcasts: upcasts), [scores] + first, as: "probs")
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

    /// The module `mlp`: act(gate(x)) · up(x), then down.
    mutating func gatedMLP(_ x: Node, _ s: ModelSettings) -> Node {
        module("mlp") { graph in
            let wide = Axis(.feature, s.intermediate)
            let gate = graph.linear(x, "gate_proj", output: wide, bias: s.mlpBias)
            let act = graph.apply(Activation(s.activation), [gate], as: "act_fn")
            let up = graph.linear(x, "up_proj", output: wide, bias: s.mlpBias)
            let product = graph.apply(Multiply(), [act, up], as: "product")
            let down = graph.linear(product, "down_proj", output: x.shape.axes[x.shape.rank - 1], bias: s.mlpBias)
            graph.alias(down)
            return down
        }
    }

    /// The logits over the vocabulary, from a table of their own or the embedding's; with a cap they are no longer the head's own value.
    mutating func head(_ x: Node, vocabulary: Int, tied: Node?, cap: Double = 0) -> Node {
        let product = linear(x, "lm_head", output: Axis(.vocabulary, vocabulary), weight: tied)
        if cap > 0 { return apply(SoftCap(cap), [product], as: "logits") }
        alias(product, as: "logits")
        return product
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
