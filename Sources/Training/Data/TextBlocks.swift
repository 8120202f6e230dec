import Tokenizers

/// A text file as one stream of tokens, cut into blocks. Documents begin at the tokenizer's beginning token, which its text convention
/// writes as words (`<|begin_of_text|>…<|end_of_text|>`); a line break between the end of one and the beginning of the next is layout.
struct TextBlocks {
    private let tokenizer: Tokenizer
    private let settings: DataSettings

    init(_ tokenizer: Tokenizer, _ settings: DataSettings) {
        self.tokenizer = tokenizer
        self.settings = settings
    }

    /// Blocks of `sequenceLength` tokens, the last of what is left. Without packing a block is one document, as its tokens see all before
    /// them; with packing each document in it stands for itself.
    func blocks(of text: [UInt8]) -> [Example] {
        let stream = stream(text)
        return stride(from: 0, to: stream.count, by: settings.sequenceLength).enumerated().map { number, first in
            let ids = Array(stream[first..<min(stream.count, first + settings.sequenceLength)])
            return Example(ids: ids, roles: ids.map { _ in .counts }, documents: documents(ids), line: number + 1)
        }
    }

    private func documents(_ ids: [Int32]) -> [Int] {
        guard settings.packing, let beginning = tokenizer.bosID else { return [0] }
        return [0] + ids.indices.filter { $0 > 0 && ids[$0] == beginning }
    }

    /// All tokens, the beginning token first if the tokenizer has one to put there.
    private func stream(_ text: [UInt8]) -> [Int32] {
        let ids = withoutLayout(tokenizer.encode(text, addSpecial: false))
        let before = tokenizer.specialsBefore
        return ids.isEmpty || ids.starts(with: before) ? ids : before + ids
    }

    /// Drops white space between an end token and a beginning token, and after the last end token.
    private func withoutLayout(_ ids: [Int32]) -> [Int32] {
        guard let beginning = tokenizer.bosID, let end = tokenizer.eosID, beginning != end else { return ids }
        var kept: [Int32] = []
        var layout = 0
        var follows = false
        for id in ids + [beginning] {
            if id == beginning, follows { kept.removeLast(layout) }
            let isSpace = follows && tokenizer.tokenBytes(id).allSatisfy { $0 == 0x0A || $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
            layout = isSpace ? layout + 1 : 0
            follows = id == end || isSpace
            kept.append(id)
        }
        return kept.dropLast()
    }
}
