import Tokenizers

/// How the tokens of a text came about: the pieces that the tokenizer cut it into, and the merges in each.
package struct TokenStories: Sendable {
    /// One piece of the text and its tokens.
    package struct Story: Sendable {
        /// Which tokens of the text are the piece's.
        package let tokens: Range<Int>
        package let piece: PreTokenExplanation
    }

    /// In order; tokens that no story holds were put there by the tokenizer itself, or were given as ids.
    package let stories: [Story]
    /// Whether decoding the ids gives the text again; nil if there is no text.
    package let isRoundTrip: Bool?

    init(text: String, ids: [Int], _ tokenizer: Tokenizer) {
        var stories: [Story] = []
        let prompt = tokenizer.encode(text).map(Int.init)
        let isText = !text.isEmpty && ids.starts(with: prompt)
        if isText { stories = TokenStories.pieces(of: text, from: tokenizer.specialsBefore.count, tokenizer) }
        for token in (isText ? prompt.count : 0)..<ids.count {
            if let story = TokenStories.alone(ids[token], at: token, tokenizer) { stories.append(story) }
        }
        self.stories = stories
        isRoundTrip = isText ? tokenizer.decode(prompt.map(Int32.init)) == text : nil
    }

    private static func pieces(of text: String, from start: Int, _ tokenizer: Tokenizer) -> [Story] {
        var next = start
        return tokenizer.explain(text).map { piece in
            defer { next += piece.ids.count }
            return Story(tokens: next..<next + piece.ids.count, piece: piece)
        }
    }

    /// The merges that make a token that nobody typed, if the tokenizer makes it from its own text.
    private static func alone(_ id: Int, at token: Int, _ tokenizer: Tokenizer) -> Story? {
        guard let id = Int32(exactly: id) else { return nil }
        let pieces = tokenizer.explain(tokenizer.decode([id], skipSpecial: false))
        guard pieces.count == 1, pieces[0].ids == [id] else { return nil }
        return Story(tokens: token..<token + 1, piece: pieces[0])
    }

    package func story(of token: Int) -> Story? {
        var (low, high) = (0, stories.count)
        while low < high {
            let middle = (low + high) / 2
            if stories[middle].tokens.upperBound <= token { low = middle + 1 } else { high = middle }
        }
        return low < stories.count && stories[low].tokens.contains(token) ? stories[low] : nil
    }
}
