import StrictJSON
import Tokenizers

/// Conversations to tokens by the tokenizer's chat template.
struct ChatRows {
    private let tokenizer: Tokenizer
    private let template: String
    private let loss: DataSettings.Loss

    init(_ tokenizer: Tokenizer, _ path: String, _ loss: DataSettings.Loss) throws(DataError) {
        guard let text = tokenizer.chatTemplate else {
            throw DataError(path, "the model has no chat template for `messages`", next: "Give rows with `prompt` and `completion`.")
        }
        self.tokenizer = tokenizer
        self.loss = loss
        template = text
    }

    func example(_ row: DataRow) throws(DataError) -> Example {
        throw row.error("conversations cannot be read yet")
    }
}
