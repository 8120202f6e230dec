import StrictJSON
import Tokenizers

/// Makes tokens of the rows of a .jsonl file, all of one kind.
struct RowReader {
    private let kind: DataKind
    private let vocabulary: Int
    private let encoder: RowEncoder?
    private let chat: ChatRows?

    init(_ kind: DataKind, _ path: String, _ tokenizer: Tokenizer?, _ vocabulary: Int, _ settings: DataSettings) throws(DataError) {
        self.kind = kind
        self.vocabulary = vocabulary
        encoder = tokenizer.map(RowEncoder.init)
        if kind == .messages, let tokenizer { chat = try ChatRows(tokenizer, path, settings.loss) } else { chat = nil }
    }

    func item(_ row: DataRow, _ report: inout DataReport) throws(DataError) -> DataItem? {
        if kind == .tokens { return DataItem(try tokens(row)) }
        if let chat { return DataItem(try chat.example(row)) }
        guard let encoder else { return nil }
        let (example, ownBeginning) = try first(row, encoder)
        report.ownBeginning += ownBeginning ? 1 : 0
        return DataItem(example, rejected: kind == .preference ? try answer(row, "rejected", encoder).0 : nil)
    }

    private func first(_ row: DataRow, _ encoder: RowEncoder) throws(DataError) -> (Example, ownBeginning: Bool) {
        if kind == .completion { return try answer(row, "completion", encoder) }
        if kind == .preference { return try answer(row, "chosen", encoder) }
        let words = encoder.encode(try row.string("text"))
        return (Example(ids: words.ids, roles: words.ids.map { _ in .counts }, line: row.line), words.ownBeginning)
    }

    /// Ids as they stand, with the labels that the row gives them.
    private func tokens(_ row: DataRow) throws(DataError) -> Example {
        let last = vocabulary - 1
        let ids = try row.ids("input_ids", where: { $0 >= 0 && Int($0) <= last }, "a token id from 0 to \(last)")
        guard !ids.isEmpty else { throw row.error("'input_ids' is empty") }
        guard let given = row.object["labels"], !given.isNull else {
            return Example(ids: ids, roles: ids.map { _ in .counts }, line: row.line)
        }
        let labels = try row.ids(
            "labels", where: { $0 == maskedLabel || ($0 >= 0 && Int($0) <= last) }, "−100 or a token id from 0 to \(last)")
        guard labels.count == ids.count else {
            throw row.error("'labels' has \(labels.count) entries, 'input_ids' has \(ids.count): they must be as many")
        }
        return Example(ids: ids, roles: labels.map { $0 == maskedLabel ? .label : .counts }, labels: labels, line: row.line)
    }

    /// A prompt and one answer to it; the answer counts.
    private func answer(_ row: DataRow, _ key: String, _ encoder: RowEncoder) throws(DataError) -> (Example, ownBeginning: Bool) {
        let prompt = try row.string("prompt")
        let words = encoder.encode(prompt + (try row.string(key)))
        let asked = encoder.shared(prompt, words.ids)
        let roles = words.ids.indices.map { $0 < asked ? TokenRole.prompt : .counts }
        return (Example(ids: words.ids, roles: roles, line: row.line), words.ownBeginning)
    }
}

/// Words to tokens as a model in training sees them: what the tokenizer puts around a text, and the end token, which the model must learn
/// to write.
struct RowEncoder {
    let tokenizer: Tokenizer

    /// `ownBeginning`: the text begins with the beginning token itself, and gets no second one.
    func encode(_ text: String) -> (ids: [Int32], ownBeginning: Bool) {
        var ids = tokenizer.encode(text, addSpecial: false)
        let before = tokenizer.specialsBefore
        let ownBeginning = !before.isEmpty && ids.starts(with: before)
        if !ownBeginning { ids = before + ids }
        let after = tokenizer.specialsAfter.isEmpty ? tokenizer.eosID.map { [$0] } ?? [] : tokenizer.specialsAfter
        return (ids.suffix(after.count).elementsEqual(after) ? ids : ids + after, ownBeginning)
    }

    /// How many tokens of `ids` belong to the `beginning` of their text. A token that reaches over its end does not belong to it.
    func shared(_ beginning: String, _ ids: [Int32]) -> Int {
        let body = tokenizer.encode(beginning, addSpecial: false)
        let before = tokenizer.specialsBefore
        let alone = body.starts(with: before) ? body : before + body
        return zip(alone, ids).prefix { $0 == $1 }.count
    }
}
