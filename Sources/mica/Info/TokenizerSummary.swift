import StrictJSON
import Tokenizers

extension Tokenizer {
    /// For `mica info`.
    var summary: String { "tokenizer.json" }
    var json: JSONValue { .object([]) }
}
