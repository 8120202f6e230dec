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
            let norm = RMSNorm(epsilon: s.normEpsilon)
            return graph.decoder(s, pass, norm: norm) { graph, x, _, rope in
                let attended = graph.selfAttention(graph.rmsNorm(x, "input_layernorm", norm), s, rope, pass)
                let middle = graph.residual(x, attended, as: "resid_mid")
                return graph.residual(middle, graph.gatedMLP(graph.rmsNorm(middle, "post_attention_layernorm", norm), s))
            }
        })
}
