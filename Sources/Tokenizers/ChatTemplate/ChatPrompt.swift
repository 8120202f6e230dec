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

    /// What the template writes behind a conversation for the assistant to go on: the ids of `chatPrompt` that are not there without it.
    package func chatHeader() throws(ChatTemplateError) -> [Int32]? {
        guard let chatTemplate, let prompt = try chatPrompt("a") else { return nil }
        let message = JSONValue.object([("role", .string("user")), ("content", .string("a"))])
        let plain = try ChatTemplate(chatTemplate).render([message], addGenerationPrompt: false, specialTokens: config.templateTokens)
        let ids = encode(plain.text, addSpecial: false)
        return prompt.starts(with: ids) ? Array(prompt.dropFirst(ids.count)) : nil
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
