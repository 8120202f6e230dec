import StrictJSON

extension Tokenizer {
    /// A user's words as the model was trained to be asked: through the chat template, up to where the assistant is to begin. Nil if the
    /// model has no template.
    package func chatPrompt(_ words: String) throws(ChatTemplateError) -> [Int32]? {
        guard let chatTemplate else { return nil }
        let message = JSONValue.object([("role", .string("user")), ("content", .string(words))])
        let rendered = try ChatTemplate(chatTemplate).render([message], addGenerationPrompt: true, specialTokens: config.templateTokens)
        return encode(rendered.text, addSpecial: false)
    }

    /// The token with which the template ends an assistant's turn: the last special one of a conversation that ends there.
    package func chatTurnEnd() throws(ChatTemplateError) -> Int32? {
        guard let chatTemplate else { return nil }
        let messages = ["user", "assistant"].map { JSONValue.object([("role", .string($0)), ("content", .string("a"))]) }
        let rendered = try ChatTemplate(chatTemplate).render(
            messages, addGenerationPrompt: false, specialTokens: config.templateTokens)
        return encode(rendered.text, addSpecial: false).last { isSpecial($0) && $0 != bosID }
    }
}
