import Checkpoints
import Engine
import Tensors

extension Architecture {
    /// Touvron et al. 2023, arXiv:2302.13971; Llama 3.1's rope: Dubey et al. 2024. Also TinyLlama, SmolLM2 and others under this type.
    package static let llama = Architecture(
        name: "Llama", modelTypes: ["llama"],
        settings: { (config: inout SettingsReader) throws(CheckpointError) in
            let hidden = try config.positiveInt("hidden_size")
            let heads = try config.heads(hidden: hidden)
            let settings = ModelSettings(
                vocabulary: try config.positiveInt("vocab_size"), hidden: hidden, layers: try config.positiveInt("num_hidden_layers"),
                heads: heads.heads, kvHeads: heads.kvHeads, headDimension: heads.headDim,
                intermediate: try config.positiveInt("intermediate_size"),
                context: try config.optionalPositiveInt("max_position_embeddings") ?? 2048,
                normEpsilon: try config.positiveReal("rms_norm_eps", default: 1e-6),
                activation: try config.activation("hidden_act", default: "silu"),
                tied: try config.bool("tie_word_embeddings", default: false),
                attentionBias: try config.bool("attention_bias", default: false),
                mlpBias: try config.bool("mlp_bias", default: false), rope: try config.rope())
            try config.require("rope_interleaved", false, default: false)
            try config.finish(vocabulary: settings.vocabulary, ignoring: ["pretraining_tp", "is_llama_config"])
            return settings
        },
        weights: WeightMap(unused: ["*.rotary_emb.inv_freq"]),
        body: { graph, s, pass in
            let ids = graph.input("input_ids", Shape((.token, pass.tokens)))
            let positions = graph.input("position_ids", Shape((.token, pass.tokens)))
            let (x, embedding) = graph.module("model") { graph in
                let (start, table) = graph.embedding(ids, "embed_tokens", rows: s.vocabulary, width: s.hidden, role: .residual)
                let tables = s.rope.map { graph.ropeTables($0, dimensions: s.headDimension, positions: positions) }
                var x = start
                for layer in 0..<s.layers {
                    x = graph.module("layers.\(layer)") { graph in
                        let attended = graph.llamaAttention(graph.rmsNorm(x, "input_layernorm", epsilon: s.normEpsilon), s, tables, pass)
                        let middle = graph.residual(x, attended, as: "resid_mid")
                        let normed = graph.rmsNorm(middle, "post_attention_layernorm", epsilon: s.normEpsilon)
                        let mlp = graph.module("mlp") {
                            $0.gatedMLP(normed, intermediate: s.intermediate, activation: s.activation, bias: s.mlpBias)
                        }
                        return graph.residual(middle, mlp)
                    }
                }
                return (graph.rmsNorm(x, "norm", epsilon: s.normEpsilon), table)
            }
            return graph.head(x, vocabulary: s.vocabulary, tied: s.tied ? embedding : nil)
        })
}

extension Graph {
    /// Separate projections, rotation, grouped keys and values.
    fileprivate mutating func llamaAttention(_ x: Node, _ s: ModelSettings, _ rope: RopeTables?, _ pass: Pass) -> Node {
        module("self_attn") { graph in
            let narrow = Axis(.feature, s.kvHeads * s.headDimension)
            let q = graph.linear(x, "q_proj", output: Axis(.feature, s.heads * s.headDimension), bias: s.attentionBias)
            let k = graph.linear(x, "k_proj", output: narrow, bias: s.attentionBias)
            let v = graph.linear(x, "v_proj", output: narrow, bias: s.attentionBias)
            let context = graph.attention(
                q: graph.heads(q, "q", count: s.heads, dimension: s.headDimension),
                k: graph.heads(k, "k", count: s.kvHeads, dimension: s.headDimension),
                v: graph.heads(v, "v", count: s.kvHeads, dimension: s.headDimension), rope: rope,
                scale: 1 / Double(s.headDimension).squareRoot(),
                pass: pass)
            let output = graph.linear(context, "o_proj", output: Axis(.feature, s.hidden), bias: s.attentionBias)
            graph.alias(output)
            return output
        }
    }
}
