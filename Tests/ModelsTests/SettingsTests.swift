import Checkpoints
import Models
import StrictJSON
import Testing

/// A Llama's config.json with some members changed; an empty text takes the member away.
private func reader(_ changes: [String: String] = [:]) throws -> SettingsReader {
    let plain = [
        "model_type": "\"llama\"", "hidden_size": "64", "num_attention_heads": "4", "num_key_value_heads": "2", "vocab_size": "320",
        "rms_norm_eps": "1e-6", "eos_token_id": "2", "torch_dtype": "\"float32\"",
    ]
    return try reader(members: plain.merging(changes) { $1 }.filter { !$1.isEmpty })
}

private func reader(members: [String: String]) throws -> SettingsReader {
    let text = "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
    let object = try #require(try StrictJSON.parse(Array(text.utf8)).object)
    return SettingsReader(ConfigFile(path: "config.json", object: object), for: "llama")
}

/// Reads as the Llama of the catalogue does.
@discardableResult
private func read(_ settings: inout SettingsReader) throws(CheckpointError) -> (HeadCounts, RopeSettings) {
    let hidden = try settings.positiveInt("hidden_size", aliases: ["n_embd"])
    let heads = try settings.heads(hidden: hidden)
    _ = try settings.positiveReal("rms_norm_eps", default: 1e-6)
    _ = try settings.oneOf("hidden_act", ["silu": 0, "gelu": 1], default: "silu")
    _ = try settings.bool("attention_bias", default: false)
    _ = try settings.optionalPositiveInt("max_position_embeddings")
    let rope = try settings.rope()
    try settings.finish(vocabulary: try settings.positiveInt("vocab_size"), ignoring: ["pretraining_tp"])
    return (heads, rope)
}

@Suite struct SettingsTests {
    @Test(arguments: [
        ("C04", ["hidden_size": ""], "missing hidden_size or n_embd (required for llama)"),
        ("C04 null", ["hidden_size": "null"], "missing hidden_size"),
        ("C05", ["hidden_size": "0"], "hidden_size must be a positive integer, is 0"),
        ("C06", ["hidden_size": "-64"], "hidden_size must be a positive integer, is -64"),
        ("C07", ["hidden_size": "64.5"], "hidden_size must be a positive integer, is 64.5"),
        ("C08", ["hidden_size": "\"64\""], "hidden_size must be a positive integer, is \"64\""),
        ("C09", ["hidden_size": "1000000000000000000"], "it needs at least 4.0 EB (hidden_size = 1000000000000000000"),
        ("C09 2^64", ["hidden_size": "18446744073709551616"], "must be a positive integer, is 18446744073709551616"),
        ("C10", ["hidden_size": "true"], "hidden_size must be a positive integer, is true"),
        ("C10 object", ["hidden_size": "{}"], "hidden_size must be a positive integer, is an object"),
        ("C11", ["num_attention_heads": "5"], "hidden_size 64 not divisible by 5 heads and no head_dim"),
        (
            "C11 no kv heads", ["num_attention_heads": "5", "num_key_value_heads": ""],
            "hidden_size 64 not divisible by 5 heads and no head_dim"
        ),
        ("C12", ["head_dim": "13"], "head_dim must be even for RoPE, is 13"),
        ("C12 derived", ["hidden_size": "20"], "head_dim must be even for RoPE, is 5"),
        ("C13", ["num_key_value_heads": "8"], "num_key_value_heads must divide num_attention_heads (num_key_value_heads = 8"),
        ("C14", ["num_key_value_heads": "3"], "num_key_value_heads must divide num_attention_heads"),
        ("C15", ["num_key_value_heads": "0"], "num_key_value_heads must divide num_attention_heads"),
        ("C17", ["vocab_size": "10000000000"], "needs at least 40.0 GB (vocab_size = 10000000000, limit 2147483647)"),
        (
            "C20", ["rope_scaling": #"{"type":"warp","factor":2}"#],
            "rope_scaling type 'warp' unsupported; supported: default, linear, llama3"
        ),
        ("C20 yarn", ["rope_parameters": #"{"rope_type":"yarn","factor":2}"#], "type 'yarn' unsupported"),
        ("C20 two", ["rope_scaling": #"{"type":"linear","rope_type":"llama3","factor":2}"#], "disagree"),
        ("C21", ["rope_scaling": #"{"type":"linear","factor":0}"#], "rope_scaling.factor must be > 0, is 0"),
        ("C21 half", ["rope_scaling": #"{"type":"linear","factor":0.5}"#], "rope factor must be ≥ 1"),
        (
            "C21 blend",
            [
                "rope_scaling":
                    #"{"type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,"original_max_position_embeddings":32}"#
            ],
            "rope high_freq_factor 4.0 must be > low_freq_factor 4.0"
        ),
        ("C21 none", ["rope_scaling": #"{"type":"linear"}"#], "missing rope_scaling.factor"),
        ("C21 left over", ["rope_scaling": #"{"factor":2.0}"#], "rope_scaling.factor = 2.0"),
        ("C22", ["rope_theta": "0"], "rope_theta must be > 0, is 0"),
        ("C22 nested", ["rope_parameters": #"{"rope_theta":-1}"#], "rope_parameters.rope_theta must be > 0"),
        ("C22 two", ["rope_theta": "1e4", "rope_parameters": #"{"rope_theta":5e5}"#], "rope_theta is given twice and differs"),
        ("C22 list", ["rope_scaling": "[]"], "rope_scaling must be an object"),
        ("C23", ["max_position_embeddings": "1000000000000"], "needs at least 4.0 TB"),
        ("C24", ["rms_norm_eps": "-1"], "rms_norm_eps must be > 0, is -1"),
        ("C24 text", ["rms_norm_eps": "\"1e-6\""], "rms_norm_eps must be a number, is \"1e-6\""),
        ("C24 beyond", ["rms_norm_eps": "1e999"], "rms_norm_eps is out of range"),
        ("C25", ["eos_token_id": "99999"], "eos_token_id 99999 ≥ vocab_size 320"),
        ("C25 negative", ["bos_token_id": "-1"], "bos_token_id must not be negative"),
        ("C26", ["eos_token_id": "[2, 320]"], "eos_token_id 320 ≥ vocab_size 320"),
        ("C26 text", ["eos_token_id": "\"2\""], "eos_token_id must be a token id or a list of them, is \"2\""),
        ("C27", ["torch_dtype": "\"float3\""], "torch_dtype 'float3' unsupported; supported: float64, float32"),
        ("C27 new name", ["dtype": "\"int4\""], "dtype 'int4' unsupported"),
        ("C28", ["quantization_config": #"{"quant_method":"gptq","bits":4}"#], "quantization_config: quantised weights 'gptq' unsupported"),
        ("C28 MLX", ["quantization": #"{"group_size":64,"bits":4}"#], "quantization: quantised weights of unnamed method unsupported"),
        ("C34", ["hidden_act": "\"warp\""], "hidden_act 'warp' unsupported; supported: silu, gelu"),
        ("C34 number", ["hidden_act": "1"], "hidden_act must be a string, is 1"),
        ("flag", ["attention_bias": "1"], "attention_bias must be true or false, is 1"),
        ("alias", ["n_embd": "48"], "hidden_size = 64 and n_embd = 48 disagree"),
        (
            "unknown", ["sliding_window": "4096"],
            "unknown setting for llama, which may change what the model computes: sliding_window = 4096"
        ),
        ("unknown zero", ["logit_scale": "0"], "logit_scale = 0"),
        ("unknown six", Dictionary(uniqueKeysWithValues: (0..<6).map { ("x\($0)", "1") }), "and 1 more"),
        ("encoder", ["is_encoder_decoder": "true"], "is_encoder_decoder true unsupported; supported: false"),
        ("pruned", ["pruned_heads": #"{"0":[1]}"#], "pruned_heads an object unsupported"),
        ("partial", ["partial_rotary_factor": "0.5"], "partial_rotary_factor 0.5 unsupported; supported: 1"),
    ]) func refused(_ id: String, _ changes: [String: String], _ fragment: String) throws {
        var settings = try reader(changes)
        let error = #expect(throws: CheckpointError.self) { try read(&settings) }
        #expect(error?.description.contains(fragment) == true, "\(id): \(String(describing: error))")
        #expect(error?.description.hasPrefix("cannot load config.json: config.json: ") == true)
    }

    @Test(arguments: [
        ["hidden_size": "", "n_embd": "64"], ["hidden_size": "64", "n_embd": "64"], ["head_dim": "74"],
        ["hidden_size": "1792", "head_dim": "74"],
        ["eos_token_id": "[1, 2]"], ["eos_token_id": "null"], ["pad_token_id": "-1"], ["auto_map": #"{"AutoModel":"x.py"}"#],
        ["torch_dtype": "\"torch.bfloat16\""], ["dtype": "null"], ["pretraining_tp": "2"], ["attention_dropout": "0.1"],
        ["task_specific_params": #"{"text-generation":{"max_length":50}}"#], ["quantization_config": "null"], ["pruned_heads": "{}"],
        ["sliding_window": "null"], ["use_sliding_window": "false"], ["layer_types": "[]"], ["architectures": #"["LlamaForCausalLM"]"#],
        ["partial_rotary_factor": "1.0"],
    ]) func accepted(_ changes: [String: String]) throws {
        var settings = try reader(changes)
        try read(&settings)
    }

    @Test func heads() throws {
        var settings = try reader(["hidden_size": "1792", "num_attention_heads": "24", "num_key_value_heads": "8", "head_dim": "74"])
        let (heads, _) = try read(&settings)
        #expect(heads.heads == 24 && heads.kvHeads == 8 && heads.headDim == 74 && heads.group == 3)
    }

    /// Two spellings, and both at once where they agree.
    @Test(arguments: [
        ([:], RopeSettings(theta: 10_000, kind: .default)),
        (["rope_theta": "5e5", "rope_scaling": "null"], RopeSettings(theta: 500_000, kind: .default)),
        (
            ["rope_theta": "1e4", "rope_parameters": #"{"rope_type":"default","rope_theta":10000.0}"#],
            RopeSettings(theta: 10_000, kind: .default)
        ),
        (["rope_scaling": #"{"type":"linear","factor":2}"#], RopeSettings(theta: 10_000, kind: .linear(factor: 2))),
        (
            [
                "rope_parameters":
                    #"{"rope_type":"llama3","rope_theta":5e5,"factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32}"#
            ],
            RopeSettings(
                theta: 500_000, kind: .llama3(factor: 8, lowFrequency: 1, highFrequency: 4, originalPositions: 32))
        ),
    ]) func rope(_ changes: [String: String], _ expected: RopeSettings) throws {
        var settings = try reader(changes)
        #expect(try read(&settings).1 == expected)
    }

    @Test func notes() throws {
        var settings = try reader(["auto_map": #"{"AutoModel":"x.py"}"#, "pad_token_id": "320", "odd": "false"])
        try read(&settings)
        #expect(settings.notes.count == 3)
        #expect(settings.notes.contains("custom code ignored, never run (auto_map); the built-in llama is used"))
    }

    @Test func sizes() throws {
        var settings = try reader(["max_position_embeddings": "1000000000"])
        try read(&settings)
        try settings.checkSizes(layers: 2, perLayer: [[64, 64]], elsewhere: [[320, 64]], held: 100)
        try settings.checkSizes(layers: 80, perLayer: [[8192, 100_000]], elsewhere: [[128_000, 8192]], held: nil)
        try settings.checkSizes(layers: 80, perLayer: [[8192, 100_000]], elsewhere: [], held: 80 * 8192 * 100_000)
        for (layers, shape, held) in [
            (1_000_000_000, [64, 700], nil), (1, [1 << 40, 1 << 40], nil), (1_000_000_000, [64, 700], 260_000),
        ] {
            let error = #expect(throws: CheckpointError.self) {
                try settings.checkSizes(layers: layers, perLayer: [shape], elsewhere: [], held: held)
            }
            #expect(error?.rule.contains("needs at least") == true, "\(String(describing: error))")
        }
    }
}
