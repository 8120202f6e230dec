import Checkpoints
import StrictJSON

extension SettingsReader {
    /// Checks what all architectures share, then refuses every key that neither a getter asked for nor `ignored` or `commonIgnored` names.
    package mutating func finish(vocabulary: Int, ignoring ignored: Set<String> = []) throws(CheckpointError) {
        try checkFormats()
        try checkQuantization()
        try checkTokenIds(below: vocabulary)
        try checkShapeOfModel()
        try refuseUnread(except: ignored.union(SettingsReader.commonIgnored))
    }

    private mutating func checkFormats() throws(CheckpointError) {
        for key in ["dtype", "torch_dtype"] {
            guard let text = try optionalString(key) else { continue }
            let name = text.hasPrefix("torch.") ? String(text.dropFirst(6)) : text
            guard SettingsReader.formats.contains(name) else {
                throw unsupported(key, CheckpointError.quoted(text), supported: SettingsReader.formats)
            }
        }
    }

    /// What weights may be said to be; what they are, their files say.
    static let formats = ["float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "auto"]

    private mutating func checkQuantization() throws(CheckpointError) {
        for key in ["quantization_config", "quantization", "compression_config"] {
            guard let (_, value) = try find(key, []) else { continue }
            let method = value.object?["quant_method"]?.string ?? value.object?["mode"]?.string
            let name = method.map { CheckpointError.quoted($0) } ?? "of unnamed method"
            throw fault(
                "\(key): quantised weights \(name) unsupported; supported: \(SettingsReader.formats.dropLast().joined(separator: ", "))",
                next: "Use the unquantised version of the model.")
        }
    }

    /// Ids of special tokens: null, one, or (for the end) a list.
    private mutating func checkTokenIds(below vocabulary: Int) throws(CheckpointError) {
        for key in ["bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id"] {
            guard let (_, value) = try find(key, []) else { continue }
            for id in value.array ?? [value] {
                guard let id = id.integer else { throw fault("\(key) must be a token id or a list of them, is \(said(id))") }
                if id >= 0 && id < vocabulary { continue }
                if key == "pad_token_id" {
                    notes.append("pad_token_id = \(id) is not in the vocabulary of \(vocabulary); nothing is padded here")
                } else {
                    throw fault(id < 0 ? "\(key) must not be negative, is \(id)" : "\(key) \(id) ≥ vocab_size \(vocabulary)")
                }
            }
        }
    }

    /// What would make another kind of model of it, and code that is never run.
    private mutating func checkShapeOfModel() throws(CheckpointError) {
        for key in ["is_encoder_decoder", "add_cross_attention", "tie_encoder_decoder"] { try require(key, false, default: false) }
        if let (key, value) = try find("cross_attention_hidden_size", []) { throw unsupported(key, said(value), supported: ["null"]) }
        if let (_, value) = try find("pruned_heads", []), value.object?.count != 0 {
            throw unsupported("pruned_heads", said(value), supported: ["{}"])
        }
        for key in ["auto_map", "custom_pipelines"] where try find(key, []) != nil {
            notes.append("custom code ignored, never run (\(key)); the built-in \(architecture) is used")
        }
    }

    /// Keys that change nothing in a forward pass of a decoder, whatever the architecture.
    package static let commonIgnored: Set<String> = [
        // Who made it, with what.
        "architectures", "model_type", "transformers_version", "_name_or_path", "_commit_hash", "tokenizer_class", "name_or_path",
        "finetuning_task", "unsloth_version", "unsloth_fixed", "transformers.js_config", "_from_model_config", "model_max_length",
        "max_sequence_length",
        // How another program runs it.
        "use_cache", "output_attentions", "output_hidden_states", "return_dict", "output_past", "torchscript", "tf_legacy_loss",
        "use_bfloat16", "gradient_checkpointing", "chunk_size_feed_forward", "attn_implementation", "_attn_implementation",
        "_attn_implementation_internal", "_attn_implementation_autoset", "_flash_attn_2_enabled", "_experts_implementation",
        "output_router_logits", "is_decoder", "n_special", "predict_special_tokens",
        // Training only: initial weights, dropout.
        "initializer_range", "attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop", "classifier_dropout",
        "residual_dropout", "embedding_dropout", "router_jitter_noise", "router_aux_loss_coef", "neftune_noise_alpha",
        // Heads of classifiers.
        "id2label", "label2id", "num_labels", "_num_labels", "problem_type", "task_specific_params", "summary_activation",
        "summary_first_dropout",
        "summary_proj_to_labels", "summary_type", "summary_use_proj",
        // Defaults of sampling; generation_config.json has them today.
        "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty", "temperature",
        "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
        "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate", "forced_bos_token_id",
        "forced_eos_token_id", "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens",
        "begin_suppress_tokens", "prefix",
    ]
}
