extension Model {
    /// A token that somebody names: its id, or text that is one token; a word may leave out the blank before it.
    package func token(_ word: String) throws(PromptError) -> Int {
        if let id = Int(word) {
            try check([id])
            return id
        }
        guard let tokenizer else { throw PromptError(rule: "\(path) has no tokenizer; give the token's id") }
        let candidates = [" \(word)", word].map { tokenizer.encode($0, addSpecial: false) }
        if let one = candidates.first(where: { $0.count == 1 }) { return Int(one[0]) }
        throw PromptError(rule: "'\(word)' is \(candidates[1].count) tokens of this model; give one token, or its id")
    }
}
