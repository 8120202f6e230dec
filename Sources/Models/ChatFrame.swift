import Tokenizers

/// What a chat template writes around an assistant's words, in tokens.
struct ChatFrame: Sendable {
    /// From the special token that begins the turn to the last one before its words, white space left out.
    let start: [Int]
    /// The white space behind it.
    let space: [Int]
    /// Of `start`, the words of the role.
    let role: [Int]
    /// The token that ends a turn.
    let turnEnd: Int?

    /// Nil without a template, or if it does nothing to tell whose turn it is.
    init?(_ model: Model) {
        guard let tokenizer = model.tokenizer, let header = try? tokenizer.chatHeader(), !header.isEmpty else { return nil }
        func isSpace(_ id: Int32) -> Bool { !tokenizer.isSpecial(id) && tokenizer.tokenBytes(id).allSatisfy { $0 <= 0x20 } }
        let space = header.reversed().prefix(while: isSpace).count
        start = header.dropLast(space).map(Int.init)
        self.space = header.suffix(space).map(Int.init)
        role = header.dropLast(space).filter { !tokenizer.isSpecial($0) && !isSpace($0) }.map(Int.init)
        turnEnd = (try? tokenizer.chatTurnEnd()).flatMap { $0 }.map(Int.init)
    }
}
