import Checkpoints
import Engine
import Tensors

extension Architecture {
    /// Radford et al. 2019, Language Models are Unsupervised Multitask Learners.
    package static let gpt2 = Architecture(
        name: "GPT-2", modelTypes: ["gpt2"],
        settings: { (config: inout SettingsReader) throws(CheckpointError) in
            let hidden = try config.positiveInt("n_embd", aliases: ["hidden_size"])
            let heads = try config.heads(hidden: hidden, grouped: false, rotated: false)
            let settings = ModelSettings(
                vocabulary: try config.positiveInt("vocab_size"), hidden: hidden,
                layers: try config.positiveInt("n_layer", aliases: ["num_hidden_layers"]), heads: heads.heads, kvHeads: heads.heads,
                headDimension: heads.headDim, intermediate: try config.optionalPositiveInt("n_inner") ?? 4 * hidden,
                context: try config.positiveInt("n_positions", aliases: ["max_position_embeddings"]),
                normEpsilon: try config.positiveReal("layer_norm_epsilon", default: 1e-5),
                activation: try config.activation("activation_function", default: "gelu_new"),
                tied: try config.bool("tie_word_embeddings", default: true))
            try config.require("scale_attn_weights", true, default: true)
            try config.require("scale_attn_by_inverse_layer_idx", false, default: false)
            // The order of two roundings in half precision; in fp32 it changes nothing.
            try config.finish(vocabulary: settings.vocabulary, ignoring: ["n_ctx", "reorder_and_upcast_attn"])
            return settings
        },
        weights: WeightMap(prefixes: [("transformer.", "")], unused: ["*attn.bias", "*attn.masked_bias"]),
        body: { graph, s, pass in
            let ids = graph.input("input_ids", Shape((.token, pass.tokens)))
            let positions = graph.input("position_ids", Shape((.token, pass.tokens)))
            let (x, embedding) = graph.module("transformer") { graph in
                let (token, table) = graph.embedding(ids, "wte", rows: s.vocabulary, width: s.hidden)
                let (position, _) = graph.embedding(positions, "wpe", rows: s.context, width: s.hidden)
                var x = graph.residual(token, position, as: "resid_pre")
                for layer in 0..<s.layers {
                    x = graph.module("h.\(layer)") { graph in
                        let attended = graph.gpt2Attention(graph.layerNorm(x, "ln_1", epsilon: s.normEpsilon), s, pass)
                        let middle = graph.residual(x, attended, as: "resid_mid")
                        let mlp = graph.gpt2MLP(graph.layerNorm(middle, "ln_2", epsilon: s.normEpsilon), s)
                        return graph.residual(middle, mlp)
                    }
                }
                return (graph.layerNorm(x, "ln_f", epsilon: s.normEpsilon), table)
            }
            return graph.head(x, vocabulary: s.vocabulary, tied: s.tied ? embedding : nil)
        })
}

extension Graph {
    /// One projection for q, k and v, stored transposed.
    fileprivate mutating func gpt2Attention(_ x: Node, _ s: ModelSettings, _ pass: Pass) -> Node {
        module("attn") { graph in
            let fused = graph.linear(x, "c_attn", output: Axis(.feature, 3 * s.hidden), bias: true, transposed: true)
            let parts = ["q", "k", "v"].enumerated().map { number, name in
                graph.heads(fused, name, count: s.heads, dimension: s.headDimension, offset: number * s.hidden)
            }
            let context = graph.attention(
                q: parts[0], k: parts[1], v: parts[2], rope: nil, scale: 1 / Double(s.headDimension).squareRoot(), pass: pass,
                upcasts: false)
            let output = graph.linear(context, "c_proj", output: Axis(.feature, s.hidden), bias: true, transposed: true)
            graph.alias(output)
            return output
        }
    }

    fileprivate mutating func gpt2MLP(_ x: Node, _ s: ModelSettings) -> Node {
        module("mlp") { graph in
            let wide = graph.linear(x, "c_fc", output: Axis(.feature, s.intermediate), bias: true, transposed: true)
            let act = graph.apply(Activation(s.activation), [wide], as: "act")
            let down = graph.linear(act, "c_proj", output: Axis(.feature, s.hidden), bias: true, transposed: true)
            graph.alias(down)
            return down
        }
    }
}
