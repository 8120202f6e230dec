import StrictJSON

/// A chat template: a program in the part of Jinja that published templates use, which turns a conversation into the text that a model
/// has been trained to read. It is untrusted: it reaches nothing but its input, and its steps, its output and its nesting are limited.
package struct ChatTemplate: Sendable {
    private let statements: [TemplateStatement]

    /// Throws the line of a mistake anywhere in the template, also where it would not run.
    package init(_ text: String) throws(ChatTemplateError) { statements = try TemplateParser.statements(text) }

    /// What a conversation becomes.
    package struct Rendered: Sendable {
        package let text: String
        /// Bytes of the text inside `{% generation %}` blocks: words of the assistant.
        package let generated: [Range<Int>]
    }

    /// - Parameters:
    ///   - messages: objects with `role` and `content`, and whatever else the template looks at.
    ///   - addGenerationPrompt: the text ends where the assistant is to begin.
    ///   - specialTokens: `bos_token` and its like, by name.
    ///   - extra: further names that the template knows; `tools`, for instance.
    package func render(
        _ messages: [JSONValue], addGenerationPrompt: Bool, specialTokens: [String: String] = [:], extra: [String: JSONValue] = [:]
    ) throws(ChatTemplateError) -> Rendered {
        var context = extra.mapValues(TemplateValue.init)
        for (name, token) in specialTokens { context[name] = .string(token) }
        // transformers gives these two in any case.
        for name in ["tools", "documents"] where context[name] == nil { context[name] = TemplateValue.none }
        context["messages"] = TemplateValue(.array(messages))
        context["add_generation_prompt"] = .bool(addGenerationPrompt)
        var evaluator = TemplateEvaluator(context: context)
        try evaluator.run(statements)
        return Rendered(text: String(decoding: evaluator.text, as: UTF8.self), generated: evaluator.generated)
    }
}

extension TokenizerConfig {
    /// The special tokens as templates call them.
    package var templateTokens: [String: String] {
        let named = [("bos_token", bosToken), ("eos_token", eosToken), ("pad_token", padToken), ("unk_token", unkToken)]
        return Dictionary(named.compactMap { name, token in token.map { (name, $0) } }) { $1 }
    }
}
