import StrictJSON
import Tokenizers

/// Conversations to tokens by the tokenizer's chat template, and which of them are the assistant's words.
///
/// A template that marks them with `{% generation %}` says so itself. For all others each message's words are wrapped in two characters
/// that no text has, and the template runs once more: where the characters come out is where the words stand. An assistant's turn then
/// begins where the prompt ends that the model would be given for it, and ends with the token that ends its turn, which the model must
/// learn to write.
struct ChatRows {
    private let tokenizer: Tokenizer
    private let template: ChatTemplate
    private let marksWords: Bool
    private let loss: DataSettings.Loss

    init(_ tokenizer: Tokenizer, _ path: String, _ loss: DataSettings.Loss) throws(DataError) {
        guard let text = tokenizer.chatTemplate else {
            throw DataError(path, "the model has no chat template for `messages`", next: "Give rows with `prompt` and `completion`.")
        }
        do { template = try ChatTemplate(text) } catch {
            throw DataError(
                tokenizer.file, "\(error)", next: "Correct the template beside the tokenizer, or give rows with `prompt` and `completion`.")
        }
        self.tokenizer = tokenizer
        self.loss = loss
        marksWords = text.contains("endgeneration")
    }

    func example(_ row: DataRow) throws(DataError) -> Example {
        let messages = try checked(row.array("messages"), row)
        let rendered = try render(messages, row)
        let ids = tokenizer.encode(rendered.text, addSpecial: false)
        guard !ids.isEmpty else { throw row.error("the template makes nothing of 'messages'") }
        if loss == .all { return Example(ids: ids, roles: ids.map { _ in .counts }, line: row.line) }
        let tokens = ChatTokens(tokenizer, rendered.text, ids)
        var roles = [TokenRole](repeating: .template, count: ids.count)
        if marksWords {
            for span in rendered.generated { roles.mark(tokens.indices(span), .counts) }
        } else {
            try mark(&roles, messages, tokens, row)
        }
        return Example(ids: ids, roles: roles, line: row.line)
    }

    private func checked(_ messages: [JSONValue], _ row: DataRow) throws(DataError) -> [JSONValue] {
        guard !messages.isEmpty else { throw row.error("'messages' is empty") }
        for (index, message) in messages.enumerated() {
            guard let object = message.object else { throw row.error("messages[\(index)] must be an object, is \(message.kind)") }
            guard object["role"]?.string != nil else { throw row.error("messages[\(index)].role must be a string") }
        }
        return messages
    }

    private func render(_ messages: [JSONValue], prompt: Bool = false, _ row: DataRow) throws(DataError) -> ChatTemplate.Rendered {
        do {
            return try template.render(messages, addGenerationPrompt: prompt, specialTokens: tokenizer.config.templateTokens)
        } catch { throw row.error("\(error)") }
    }

    private func mark(_ roles: inout [TokenRole], _ messages: [JSONValue], _ tokens: ChatTokens, _ row: DataRow) throws(DataError) {
        let marked = try render(ChatMarks.marked(messages), row)
        guard let words = ChatMarks.spans(in: marked.text, of: tokens.text, messages.count) else { throw lost(row, nil) }
        for (index, message) in messages.enumerated() {
            let isAssistant = message.object?["role"]?.string == "assistant"
            if !isAssistant {
                if let span = words[index] { roles.mark(tokens.indices(span), .prompt) }
            } else if let end = words[index]?.upperBound {
                let (prompt, header) = prompt(before: index, messages, row)
                let isBeginning = tokens.starts(with: prompt, upTo: end)
                let start = isBeginning ? prompt.utf8.count : words[index]?.lowerBound ?? end
                let spoken = tokens.indices(start..<end)
                roles.mark(spoken.lowerBound..<tokens.turnEnd(after: spoken.upperBound, header: header), .counts)
            } else {
                throw lost(row, index)
            }
        }
    }

    /// The text that the model would be given for an assistant's turn, and the special token with which the turn begins. Templates may
    /// refuse a conversation that breaks off here: then the text is empty.
    private func prompt(before index: Int, _ messages: [JSONValue], _ row: DataRow) -> (text: String, header: Int32?) {
        let before = Array(messages[..<index])
        guard let prompt = try? render(before, prompt: true, row).text, let plain = try? render(before, row).text else { return ("", nil) }
        let ids = tokenizer.encode(prompt, addSpecial: false)
        let shared = zip(ids, tokenizer.encode(plain, addSpecial: false)).prefix { $0 == $1 }.count
        return (prompt, ids.dropFirst(shared).first(where: tokenizer.isSpecial))
    }

    private func lost(_ row: DataRow, _ index: Int?) -> DataError {
        let place = index.map { "messages[\($0)]" } ?? "the conversation"
        return row.error(
            "the template changes the words of \(place) so that the assistant's cannot be told from others",
            next: "Put them between {% generation %} and {% endgeneration %} in the template, or let the loss count all words.")
    }
}

extension [TokenRole] {
    fileprivate mutating func mark(_ range: Range<Int>, _ role: TokenRole) {
        for index in range.clamped(to: indices) { self[index] = role }
    }
}

/// A rendered conversation as tokens, found by bytes of its text.
struct ChatTokens {
    let text: String
    private let tokenizer: Tokenizer
    private let ids: [Int32]

    init(_ tokenizer: Tokenizer, _ text: String, _ ids: [Int32]) {
        self.tokenizer = tokenizer
        self.text = text
        self.ids = ids
    }

    /// The tokens of a range of bytes. A token over its beginning belongs to it, one over its end does not.
    func indices(_ bytes: Range<Int>) -> Range<Int> {
        let start = index(bytes.lowerBound)
        return start..<max(start, index(bytes.upperBound))
    }

    /// Tokens that the first `count` bytes have alone as in the whole.
    private func index(_ count: Int) -> Int {
        let beginning = tokenizer.encode(Array(text.utf8.prefix(count)), addSpecial: false)
        return zip(beginning, ids).prefix { $0 == $1 }.count
    }

    func starts(with prompt: String, upTo end: Int) -> Bool {
        !prompt.isEmpty && prompt.utf8.count <= end && text.utf8.starts(with: prompt.utf8)
    }

    /// The end of a turn whose words end before token `end`: behind the special token that follows them, with no more than white space
    /// between, unless that one begins the next turn.
    func turnEnd(after end: Int, header: Int32?) -> Int {
        var at = end
        while at < ids.count, !tokenizer.isSpecial(ids[at]), tokenizer.tokenBytes(ids[at]).allSatisfy(JSONError.isSpace) { at += 1 }
        guard at < ids.count, tokenizer.isSpecial(ids[at]), ids[at] != header, ids[at] != tokenizer.bosID else { return end }
        return at + 1
    }

}

/// Characters of private use that stand around each message's words on their way through a template.
enum ChatMarks {
    /// The first of plane 15; two a message.
    private static let first: UInt32 = 0xF_0000
    private static let limit = 0xFFFD

    private static func mark(_ index: Int, _ side: Int) -> String {
        Unicode.Scalar(first + UInt32(clamping: min(2 * index + side, limit))).map { String($0) } ?? ""
    }

    /// The marks stand inside of the white space around the words, which templates take away.
    static func marked(_ messages: [JSONValue]) -> [JSONValue] {
        messages.enumerated().map { index, message in
            guard let object = message.object, let content = object["content"]?.string else { return message }
            let scalars = content.unicodeScalars
            let before = scalars.prefix { $0.properties.isWhitespace }
            let after = scalars.dropFirst(before.count).reversed().prefix { $0.properties.isWhitespace }.count
            let words = scalars.dropFirst(before.count).dropLast(after)
            let text = String(before) + mark(index, 0) + String(words) + mark(index, 1) + String(scalars.suffix(after))
            return .object(JSONObject(object.members.map { ($0.key, $0.key == "content" ? .string(text) : $0.value) }))
        }
    }

    /// Where each message's words stand in the text, in bytes; nil if the template does not give the same text with and without marks.
    static func spans(in marked: String, of text: String, _ messages: Int) -> [Int: Range<Int>]? {
        var plain: [UInt8] = []
        var starts: [Int: Int] = [:]
        var spans: [Int: Range<Int>] = [:]
        for scalar in marked.unicodeScalars {
            let number = Int(scalar.value) - Int(first)
            guard number >= 0, number < 2 * messages else {
                plain += Array(UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
                continue
            }
            if number % 2 == 0 {
                starts[number / 2] = plain.count
            } else {
                spans[number / 2] = (starts[number / 2] ?? plain.count)..<plain.count
            }
        }
        return plain.elementsEqual(text.utf8) ? spans : nil
    }
}
