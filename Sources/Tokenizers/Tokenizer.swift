/// Text to ids and back, by the rules of a tokenizer.json: added tokens are cut out, what is left is normalised, cut into pieces,
/// and each piece merged (byte-pair encoding); special tokens are put around the whole.
package struct Tokenizer: Sendable {
    /// The tokenizer.json that this came from.
    package let file: String
    package let config: TokenizerConfig
    package let vocabulary: Vocabulary
    let model: BytePairModel
    private let normalizers: [any PieceStage]
    private let preTokenizers: [any PieceStage]
    /// Added tokens as they stand in the text, and as they stand in the normalised text.
    private let plainTokens: AddedTokenFinder?
    private let normalizedTokens: AddedTokenFinder?
    /// The special tokens around a text.
    let frame: SpecialFrame
    let decoder: any TokenDecoder
    /// Tokens that are found in normalised text are decoded in their normalised form.
    private let normalForms: [Int32: [UInt8]]

    init(
        file: String, config: TokenizerConfig, vocabulary: Vocabulary, model: BytePairModel, normalizers: [any PieceStage],
        preTokenizers: [any PieceStage], added: [AddedToken], frame: SpecialFrame, decoder: any TokenDecoder
    ) {
        self.file = file
        self.config = config
        self.vocabulary = vocabulary
        self.model = model
        self.normalizers = normalizers
        self.preTokenizers = preTokenizers
        self.frame = frame
        self.decoder = decoder
        let plain = added.filter { !$0.normalized }
        plainTokens = AddedTokenFinder(plain, contents: plain.map(\.content))
        let normalized = added.filter(\.normalized)
        let contents = normalized.map { token in
            var pieces = Pieces(token.content)
            for stage in normalizers { stage.apply(to: &pieces) }
            return pieces.bytes
        }
        normalizedTokens = AddedTokenFinder(normalized, contents: contents)
        normalForms = Dictionary(zip(normalized.map(\.id), contents)) { first, _ in first }
    }

    /// One more than the largest id.
    package var vocabularyCount: Int { vocabulary.count }
    package var bosID: Int32? { config.bosToken.flatMap(vocabulary.id) }
    package var eosID: Int32? { config.eosToken.flatMap(vocabulary.id) }
    package var padID: Int32? { config.padToken.flatMap(vocabulary.id) }
    package var chatTemplate: String? { config.chatTemplate }
    /// The ids that `encode` puts before and after a text.
    package var specialsBefore: [Int32] { frame.before }
    package var specialsAfter: [Int32] { frame.after }

    package func isSpecial(_ id: Int32) -> Bool { vocabulary.isSpecial(id) }

    /// The ids of a text. `addSpecial` puts the tokens around it that the file asks for.
    package func encode(_ text: String, addSpecial: Bool = true) -> [Int32] { encode(Array(text.utf8), addSpecial: addSpecial) }

    /// The ids of any bytes; those that are not UTF-8 are kept as far as the vocabulary has tokens for single bytes.
    package func encode(_ bytes: [UInt8], addSpecial: Bool = true) -> [Int32] {
        let pieces = pieces(of: bytes)
        var ids: [Int32] = addSpecial ? frame.before : []
        var workspace = EncodeWorkspace()
        let text = pieces.bytes.span
        for piece in pieces.items {
            if piece.isText { model.encode(text, piece.start, piece.end, &workspace, into: &ids) } else { ids.append(piece.token) }
        }
        if addSpecial { ids += frame.after }
        return ids
    }

    /// What happens to each piece of a text, merge by merge. The ids of all explanations together are those of
    /// `encode(text, addSpecial: false)`.
    package func explain(_ text: String) -> [PreTokenExplanation] {
        let pieces = pieces(of: Array(text.utf8))
        let bytes = pieces.bytes.span
        var result: [PreTokenExplanation] = []
        for piece in pieces.items {
            if piece.isText {
                result += model.explain(bytes, piece.start, piece.end)
            } else {
                let spelling = Array(vocabulary.spelling(piece.token) ?? [])
                result.append(PreTokenExplanation(kind: .addedToken, bytes: spelling, symbols: [piece.token], merges: []))
            }
        }
        return result
    }

    private func pieces(of bytes: [UInt8]) -> Pieces {
        var pieces = Pieces(bytes)
        plainTokens?.apply(to: &pieces)
        for stage in normalizers { stage.apply(to: &pieces) }
        normalizedTokens?.apply(to: &pieces)
        for stage in preTokenizers { stage.apply(to: &pieces) }
        return pieces
    }

    /// The text of ids; an id that no token has is skipped, as special tokens are if `skipSpecial`.
    package func decode(_ ids: some Sequence<Int32>, skipSpecial: Bool = true) -> String {
        let tokens = ids.compactMap { id in skipSpecial && isSpecial(id) ? nil : spelling(id) }
        return String(decoding: decoder.decode(tokens).joined(), as: UTF8.self)
    }

    /// What the decoder is given for a token.
    private func spelling(_ id: Int32) -> [UInt8]? {
        if !normalForms.isEmpty, let form = normalForms[id] { return form }
        return vocabulary.spelling(id).map(Array.init)
    }

    /// The bytes of text that a token stands for; of a character that several tokens share, some of its bytes.
    package func tokenBytes(_ id: Int32) -> [UInt8] { spelling(id).map(decoder.bytes) ?? [] }

    /// The token as the vocabulary writes it, such as `Ġthe` or `▁the`.
    package func tokenText(_ id: Int32) -> String? { vocabulary.spelling(id).map { String(decoding: $0, as: UTF8.self) } }
}
