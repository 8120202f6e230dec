import StrictJSON

/// What stands beside tokenizer.json: the names of special tokens, and the chat template as text.
package struct TokenizerConfig: Sendable {
    package private(set) var bosToken: String?
    package private(set) var eosToken: String?
    package private(set) var padToken: String?
    package private(set) var unkToken: String?
    /// The template that has no name or the name `default`.
    package private(set) var chatTemplate: String?
    /// Templates by name, where there are several.
    package private(set) var namedTemplates: [(name: String, template: String)] = []

    package init() {}

    /// Reads tokenizer_config.json, then what it leaves open from special_tokens_map.json and chat_template.jinja; all may be missing.
    init(folder: String) throws(TokenizerError) {
        for name in ["tokenizer_config.json", "special_tokens_map.json"] where FileReading.kind(folder + name) != .missing {
            try read(FileReading.bytes(folder + name), file: folder + name)
        }
        let template = folder + "chat_template.jinja"
        if chatTemplate == nil, FileReading.kind(template) != .missing {
            chatTemplate = String(decoding: try FileReading.bytes(template), as: UTF8.self)
        }
    }

    /// Takes over what the text of a tokenizer_config.json says and no file before it said.
    package mutating func read(_ json: [UInt8], file: String) throws(TokenizerError) {
        let top = try Section(Tokenizer.parsed(json, file), path: "", file: file)
        if bosToken == nil { bosToken = try Self.token(top, "bos_token") }
        if eosToken == nil { eosToken = try Self.token(top, "eos_token") }
        if padToken == nil { padToken = try Self.token(top, "pad_token") }
        if unkToken == nil { unkToken = try Self.token(top, "unk_token") }
        try readTemplate(top)
    }

    /// A token is a string, or an object with its content.
    private static func token(_ top: Section, _ key: String) throws(TokenizerError) -> String? {
        guard let value = top[key] else { return nil }
        if value.object != nil { return try top.section(key)?.requiredString("content") }
        return try top.string(key)
    }

    private mutating func readTemplate(_ top: Section) throws(TokenizerError) {
        guard let value = top["chat_template"], chatTemplate == nil else { return }
        if value.array == nil {
            chatTemplate = try top.string("chat_template")
            return
        }
        for item in try top.sections("chat_template") {
            let name = try item.requiredString("name")
            let template = try item.requiredString("template")
            namedTemplates.append((name, template))
            if name == "default" { chatTemplate = template }
        }
    }
}
