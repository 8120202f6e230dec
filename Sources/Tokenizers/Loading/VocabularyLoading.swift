import StrictJSON

/// Reading `model.vocab` and `added_tokens`.
struct VocabularyLoading {
    let top: Section
    let model: Section

    /// A few published vocabularies leave ids unused; one in so many may be.
    private static let idsPerHole = 64

    func vocabulary() throws(TokenizerError) -> (Vocabulary, [AddedToken]) {
        guard let value = model["vocab"], let members = value.object?.members else {
            let found = model["vocab"].map { ", is \($0.kind)" } ?? ""
            throw model.error("model.vocab must be an object from token to id\(found)")
        }
        if members.isEmpty { throw model.error("model.vocab: vocabulary is empty") }
        let added = try top.array("added_tokens") ?? []
        let total = members.count + added.count
        var vocabulary = Vocabulary(capacity: total, idLimit: total + total / Self.idsPerHole)
        for (token, id) in members { try insert(token, id, members.count, &vocabulary) }
        vocabulary.trim()
        vocabulary.endOfModel()
        return try addTokens(added, &vocabulary)
    }

    private func insert(_ token: String, _ value: JSONValue, _ count: Int, _ vocabulary: inout Vocabulary) throws(TokenizerError) {
        guard let id = value.integer else {
            throw model.error("model.vocab: id of \(Quoted.text(token)) must be a whole number, is \(Section.shown(value))")
        }
        switch vocabulary.insert(Array(token.utf8).span, id: id) {
        case nil: break
        case .outOfRange: throw model.error("model.vocab: id \(id) of \(Quoted.text(token)) out of range for vocab of \(count)")
        case .idUsed(let other): throw model.error("model.vocab: id \(id) used by \(shown(other)) and \(Quoted.text(token))")
        case .spellingUsed: throw model.error("model.vocab: token \(Quoted.text(token)) listed twice")
        }
    }

    private func shown(_ bytes: ArraySlice<UInt8>) -> String { Quoted.text(String(decoding: bytes, as: UTF8.self)) }

    private func addTokens(_ values: [JSONValue], _ vocabulary: inout Vocabulary) throws(TokenizerError) -> (Vocabulary, [AddedToken]) {
        var tokens: [AddedToken] = []
        for (index, value) in values.enumerated() {
            tokens.append(try token(Section(value, path: "added_tokens[\(index)]", file: top.file)))
        }
        // Tokens beyond the model's ids continue them without a gap, in whatever order the file lists them.
        vocabulary.reserveIDs(values.count)
        for token in tokens { try add(token, &vocabulary) }
        vocabulary.trim()
        if let hole = vocabulary.firstHole(from: vocabulary.modelEnd) {
            throw top.error("added_tokens: id gap, no token has id \(hole) but one has \(vocabulary.count - 1)")
        }
        if vocabulary.count - vocabulary.tokenCount > vocabulary.tokenCount / Self.idsPerHole, let hole = vocabulary.firstHole(from: 0) {
            throw model.error("model.vocab: id gap, no token has id \(hole)")
        }
        return (vocabulary, tokens)
    }

    private func token(_ section: Section) throws(TokenizerError) -> AddedToken {
        let content = try section.requiredString("content")
        if content.isEmpty { throw section.error("\(section.path): empty added token") }
        guard let id = try section.integer("id", in: 0...Int(Int32.max - 1)) else {
            throw section.error("\(section.name("id")) of \(Quoted.text(content)) is missing")
        }
        let special = try section.flag("special", default: false)
        return AddedToken(
            id: Int32(id), content: Array(content.utf8), singleWord: try section.flag("single_word", default: false),
            stripsLeft: try section.flag("lstrip", default: false), stripsRight: try section.flag("rstrip", default: false),
            normalized: try section.flag("normalized", default: !special), special: special)
    }

    private func add(_ token: AddedToken, _ vocabulary: inout Vocabulary) throws(TokenizerError) {
        let name = shown(token.content[...])
        if let present = vocabulary.id(token.content) {
            if present != token.id { throw top.error("added token \(name) claims id \(token.id), but it has id \(present)") }
        } else {
            switch vocabulary.insert(token.content.span, id: Int(token.id)) {
            case nil: break
            case .idUsed(let other): throw top.error("added token \(name) claims id \(token.id) = \(shown(other))")
            case .outOfRange, .spellingUsed:
                throw top.error("added token \(name): id gap, \(token.id) does not follow the vocabulary of \(vocabulary.tokenCount)")
            }
        }
        vocabulary.markAdded(token.id, special: token.special)
    }
}
