import Checkpoints
import Engine
import Tensors

extension Architecture {
    /// Gemma Team 2024, arXiv:2408.00118: caps on scores and logits, every other layer sees a window, norms behind attention and MLP too.
    package static let gemma2 = Architecture(
        name: "Gemma-2", modelTypes: ["gemma2"],
        settings: { (config: inout SettingsReader) throws(CheckpointError) in
            var settings = try config.gemma(activation: config.activation("hidden_activation", default: "gelu_pytorch_tanh"))
            settings.scoreDivisor = try config.positiveReal("query_pre_attn_scalar", default: 256)
            settings.scoreCap = try config.cap("attn_logit_softcapping", standard: 50)
            settings.logitCap = try config.cap("final_logit_softcapping", standard: 30)
            settings.windows = try config.windows(layers: settings.layers)
            // transformers reads hidden_activation alone; how it caches keys changes nothing.
            try config.finish(vocabulary: settings.vocabulary, ignoring: ["hidden_act", "cache_implementation"])
            return settings
        },
        weights: WeightMap(unused: ["*.rotary_emb.inv_freq"]),
        body: { graph, s, pass in
            let norm = RMSNorm(epsilon: s.normEpsilon, plusOne: true, castsFirst: false)
            return graph.decoder(s, pass, factor: Double(s.hidden).squareRoot(), norm: norm) { graph, x, layer, rope in
                let entered = graph.rmsNorm(x, "input_layernorm", norm)
                let attended = graph.selfAttention(entered, s, rope, pass, window: s.window(layer))
                let middle = graph.residual(x, graph.rmsNorm(attended, "post_attention_layernorm", norm), as: "resid_mid")
                let mlp = graph.gatedMLP(graph.rmsNorm(middle, "pre_feedforward_layernorm", norm), s)
                return graph.residual(middle, graph.rmsNorm(mlp, "post_feedforward_layernorm", norm))
            }
        })
}

extension SettingsReader {
    /// 0 where the file says null: no cap.
    fileprivate mutating func cap(_ key: String, standard: Double) throws(CheckpointError) -> Double {
        isAbsent(key) ? standard : try optionalPositiveReal(key) ?? 0
    }

    /// A window or none for each layer: as `layer_types` says, else every other layer, the first of them with one.
    mutating func windows(layers: Int) throws(CheckpointError) -> [Int] {
        let given = try optionalPositiveInt("sliding_window", aliases: ["sliding_window_size"])
        let window = given ?? (isAbsent("sliding_window", "sliding_window_size") ? 4096 : 0)
        let words: KeyValuePairs = ["sliding_attention": window, "full_attention": 0]
        guard let types = try optionalList("layer_types", words) else { return (0..<layers).map { $0 % 2 == 0 ? window : 0 } }
        if types.count != layers { throw fault("layer_types has \(types.count) entries for \(layers) layers") }
        return types
    }
}
