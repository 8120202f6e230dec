import Tokenizers

extension Tokenizer {
    /// For `mica info`.
    var summary: String { "tokenizer.json" }
    var json: JSONText { .object([]) }
}
