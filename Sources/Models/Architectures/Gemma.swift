import Checkpoints
import Engine
import Tensors

extension Architecture {
    /// Gemma Team 2024, arXiv:2403.08295: a Llama whose rows are scaled by √hidden and whose norms multiply by 1 + w, all in fp32 and
    /// rounded once.
    package static let gemma = Architecture(
        name: "Gemma", modelTypes: ["gemma"],
        settings: { (config: inout SettingsReader) throws(CheckpointError) in
            let settings = try config.gemma(activation: config.gemmaActivation())
            try config.finish(vocabulary: settings.vocabulary)
            return settings
        },
        weights: WeightMap(unused: ["*.rotary_emb.inv_freq"]),
        body: { graph, s, pass in
            let norm = RMSNorm(epsilon: s.normEpsilon, plusOne: true, castsFirst: false)
            return graph.decoder(s, pass, factor: Double(s.hidden).squareRoot(), norm: norm) { graph, x, _, rope in
                let attended = graph.selfAttention(graph.rmsNorm(x, "input_layernorm", norm), s, rope, pass)
                let middle = graph.residual(x, attended, as: "resid_mid")
                return graph.residual(middle, graph.gatedMLP(graph.rmsNorm(middle, "post_attention_layernorm", norm), s))
            }
        })
}

extension SettingsReader {
    /// What the Gemmas share; what a configuration leaves out is what transformers takes for it.
    mutating func gemma(activation: ElementFunction) throws(CheckpointError) -> ModelSettings {
        let hidden = try positiveInt("hidden_size")
        let heads = try heads(hidden: hidden, standard: 256)
        try require("use_bidirectional_attention", false, default: false)
        return ModelSettings(
            vocabulary: try positiveInt("vocab_size"), hidden: hidden, layers: try positiveInt("num_hidden_layers"), heads: heads.heads,
            kvHeads: heads.kvHeads, headDimension: heads.headDim, intermediate: try positiveInt("intermediate_size"),
            context: try optionalPositiveInt("max_position_embeddings") ?? 8192,
            normEpsilon: try positiveReal("rms_norm_eps", default: 1e-6), activation: activation,
            tied: try bool("tie_word_embeddings", default: true), attentionBias: try bool("attention_bias", default: false),
            rope: try rope())
    }

    /// `hidden_activation`, which came later, or else `hidden_act`, where the first releases said "gelu" and meant the tanh form.
    fileprivate mutating func gemmaActivation() throws(CheckpointError) -> ElementFunction {
        let older = try activation("hidden_act", default: "gelu_pytorch_tanh")
        if try optionalString("hidden_activation") != nil { return try activation("hidden_activation", default: "gelu_pytorch_tanh") }
        return older == .geluErf ? .geluTanh : older
    }
}
