import Checkpoints
import StrictJSON
import Testing

import Models

/// Configurations as they stand on the Hugging Face hub, with every key they have there.
private let configs: [(name: String, text: String, context: Int, layers: Int)] = [
    (
        "Llama 2 7B",
        """
        {"_name_or_path": "meta-llama/Llama-2-7b-hf", "architectures": ["LlamaForCausalLM"], "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 11008, "max_position_embeddings": 4096,
        "model_type": "llama", "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32, "pretraining_tp": 1,
        "rms_norm_eps": 1e-05, "rope_scaling": null, "tie_word_embeddings": false, "torch_dtype": "float16",
        "transformers_version": "4.31.0.dev0", "use_cache": true, "vocab_size": 32000}
        """, 4096, 32
    ),
    (
        "Llama 3.1 8B Instruct",
        """
        {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128000,
        "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
        "intermediate_size": 14336, "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        "rope_type": "llama3"}, "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
        "transformers_version": "4.42.3", "use_cache": true, "vocab_size": 128256}
        """, 131_072, 32
    ),
    (
        "SmolLM2 135M Instruct",
        """
        {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1, "eos_token_id": 2,
        "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664, "intermediate_size": 1536,
        "is_llama_config": true, "max_position_embeddings": 8192, "mlp_bias": false, "model_type": "llama", "num_attention_heads": 9,
        "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05,
        "rope_interleaved": false, "rope_scaling": null, "rope_theta": 100000, "tie_word_embeddings": true, "torch_dtype": "bfloat16",
        "transformers_version": "4.42.3", "transformers.js_config": {"kv_cache_dtype": {"q4f16": "float16", "fp16": "float16"}},
        "use_cache": true, "vocab_size": 49152}
        """, 8192, 30
    ),
    (
        "LLaMA 7B of the first conversion",
        """
        {"architectures": ["LLaMAForCausalLM"], "bos_token_id": 0, "eos_token_id": 1, "hidden_act": "silu", "hidden_size": 4096,
        "intermediate_size": 11008, "initializer_range": 0.02, "max_sequence_length": 2048, "model_type": "llama",
        "num_attention_heads": 32, "num_hidden_layers": 32, "pad_token_id": -1, "rms_norm_eps": 1e-06, "torch_dtype": "float16",
        "transformers_version": "4.27.0.dev0", "use_cache": true, "vocab_size": 32000}
        """, 2048, 32
    ),
    (
        "GPT-2 medium",
        """
        {"activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bos_token_id": 50256,
        "embd_pdrop": 0.1, "eos_token_id": 50256, "initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "model_type": "gpt2",
        "n_ctx": 1024, "n_embd": 1024, "n_head": 16, "n_layer": 24, "n_positions": 1024, "n_special": 0,
        "predict_special_tokens": true, "resid_pdrop": 0.1, "summary_activation": null, "summary_first_dropout": 0.1,
        "summary_proj_to_labels": true, "summary_type": "cls_index", "summary_use_proj": true,
        "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "vocab_size": 50257}
        """, 1024, 24
    ),
    (
        "DistilGPT2",
        """
        {"_num_labels": 1, "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1,
        "bos_token_id": 50256, "embd_pdrop": 0.1, "eos_token_id": 50256, "id2label": {"0": "LABEL_0"}, "initializer_range": 0.02,
        "label2id": {"LABEL_0": 0}, "layer_norm_epsilon": 1e-05, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12,
        "n_layer": 6, "n_positions": 1024, "resid_pdrop": 0.1, "summary_activation": null, "summary_first_dropout": 0.1,
        "summary_proj_to_labels": true, "summary_type": "cls_index", "summary_use_proj": true,
        "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}}, "vocab_size": 50257}
        """, 1024, 6
    ),
    (
        "Gemma 2B",
        """
        {"architectures": ["GemmaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 2, "eos_token_id": 1,
        "head_dim": 256, "hidden_act": "gelu", "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 2048, "initializer_range": 0.02,
        "intermediate_size": 16384, "max_position_embeddings": 8192, "model_type": "gemma", "num_attention_heads": 8,
        "num_hidden_layers": 18, "num_key_value_heads": 1, "pad_token_id": 0, "rms_norm_eps": 1e-06, "rope_scaling": null,
        "rope_theta": 10000.0, "torch_dtype": "bfloat16", "transformers_version": "4.38.0.dev0", "use_cache": true, "vocab_size": 256000}
        """, 8192, 18
    ),
    (
        "Gemma-2 9B",
        """
        {"architectures": ["Gemma2ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "attn_logit_softcapping": 50.0,
        "bos_token_id": 2, "cache_implementation": "hybrid", "eos_token_id": 1, "final_logit_softcapping": 30.0, "head_dim": 256,
        "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 3584, "initializer_range": 0.02,
        "intermediate_size": 14336, "max_position_embeddings": 8192, "model_type": "gemma2", "num_attention_heads": 16,
        "num_hidden_layers": 42, "num_key_value_heads": 8, "pad_token_id": 0, "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06,
        "rope_theta": 10000.0, "sliding_window": 4096, "sliding_window_size": 4096, "torch_dtype": "float32",
        "transformers_version": "4.42.0.dev0", "use_cache": true, "vocab_size": 256000}
        """, 8192, 42
    ),
]

@Suite struct HubConfigTests {
    @Test(arguments: configs) func accepted(_ name: String, _ text: String, _ context: Int, _ layers: Int) throws {
        let object = try #require(try StrictJSON.parse(Array(text.utf8)).object)
        let config = ConfigFile(path: name, object: object)
        let type = try config.modelType()
        let architecture = try #require(Architecture.find(type))
        var reader = SettingsReader(config, for: type)
        let settings = try architecture.settings(&reader)
        #expect(settings.context == context && settings.layers == layers)
        #expect(reader.notes.count == (name.hasPrefix("LLaMA") ? 1 : 0))
    }

    /// Each key of a real configuration, changed into nonsense, is either an error or known to change nothing.
    @Test(arguments: configs) func nonsenseIsRefused(_ name: String, _ text: String, _ context: Int, _ layers: Int) throws {
        let object = try #require(try StrictJSON.parse(Array(text.utf8)).object)
        for (key, _) in object.members where !SettingsReader.commonIgnored.contains(key) && !["pretraining_tp", "n_ctx"].contains(key) {
            let ignored = ["is_llama_config", "reorder_and_upcast_attn", "cache_implementation"]
            guard !ignored.contains(key), !(name.hasPrefix("Gemma-2") && key == "hidden_act") else { continue }
            let changed = JSONText.replacing(key, by: #"{"nonsense":1}"#, in: object)
            let config = ConfigFile(path: name, object: try #require(try StrictJSON.parse(Array(changed.utf8)).object))
            let architecture = try #require(Architecture.find(try config.modelType()))
            var reader = SettingsReader(config, for: name)
            #expect(throws: CheckpointError.self, "\(key)") { try architecture.settings(&reader) }
        }
    }
}

/// Enough of a writer for these texts: members whose values are numbers, words or strings keep them, others become null.
private enum JSONText {
    static func replacing(_ key: String, by value: String, in object: JSONObject) -> String {
        let members = object.members.map { member in "\"\(member.key)\":\(member.key == key ? value : text(member.value))" }
        return "{\(members.joined(separator: ","))}"
    }

    private static func text(_ value: JSONValue) -> String {
        switch value {
        case .bool(let flag): "\(flag)"
        case .number(let number): number.literal
        case .string(let text): "\"\(text)\""
        default: "null"
        }
    }
}
