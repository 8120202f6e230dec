import StrictJSON

/// The ids that a post-processor puts before and after those of a text.
struct SpecialFrame: Sendable, Equatable {
    var before: [Int32] = []
    var after: [Int32] = []

    /// This frame put around another one.
    func around(_ inner: SpecialFrame) -> SpecialFrame {
        SpecialFrame(before: before + inner.before, after: inner.after + after)
    }
}

/// Reading `post_processor`.
struct PostProcessorLoading {
    let vocabulary: Vocabulary

    private static let maximumIDs = 4096

    func frame(_ top: Section) throws(TokenizerError) -> SpecialFrame {
        guard let section = try top.section("post_processor") else { return SpecialFrame() }
        return try frame(section, 0)
    }

    private func frame(_ section: Section, _ depth: Int) throws(TokenizerError) -> SpecialFrame {
        switch try section.kind() {
        case "Sequence":
            if depth >= Section.maximumDepth { throw section.error("\(section.path) is nested deeper than \(Section.maximumDepth)") }
            var result = SpecialFrame()
            for item in try section.sections("processors") { result = try limited(frame(item, depth + 1).around(result), section) }
            return result
        case "ByteLevel": return SpecialFrame()
        case "TemplateProcessing": return try limited(template(section), section)
        case "RobertaProcessing", "BertProcessing":
            return SpecialFrame(before: [try pair(section, "cls")], after: [try pair(section, "sep")])
        case let kind:
            let known = "Sequence, ByteLevel, TemplateProcessing, RobertaProcessing, BertProcessing"
            throw section.unsupported("post_processor", kind, known: known)
        }
    }

    private func limited(_ frame: SpecialFrame, _ section: Section) throws(TokenizerError) -> SpecialFrame {
        let count = frame.before.count + frame.after.count
        if count > Self.maximumIDs { throw section.error("\(section.path) adds \(count) ids to every text, limit \(Self.maximumIDs)") }
        return frame
    }

    private func template(_ section: Section) throws(TokenizerError) -> SpecialFrame {
        let tokens = try specialTokens(section)
        // The template for pairs is checked though no pairs are encoded here.
        if section["pair"] != nil { _ = try items(section, "pair", tokens) }
        var frame = SpecialFrame()
        var texts = 0
        for item in try items(section, "single", tokens) {
            guard let ids = item.ids else {
                texts += 1
                if item.sequence != "A" { throw section.error("\(section.name("single")) has a second text") }
                continue
            }
            if texts == 0 { frame.before += ids } else { frame.after += ids }
        }
        if texts != 1 { throw section.error("\(section.name("single")) has the text \(texts) times, must have it once") }
        return frame
    }

    private typealias Item = (ids: [Int32]?, sequence: String)

    private func items(_ section: Section, _ key: String, _ tokens: [UTF8Key: [Int32]]) throws(TokenizerError) -> [Item] {
        var result: [Item] = []
        for item in try section.sections(key) {
            if let special = try item.section("SpecialToken") {
                let name = try special.requiredString("id")
                guard let ids = tokens[UTF8Key(name)] else {
                    throw section.error("\(section.name(key)) uses \(Quoted.text(name)), which is not in special_tokens")
                }
                result.append((ids, ""))
            } else if let sequence = try item.section("Sequence") {
                result.append((nil, try sequence.requiredString("id")))
            } else {
                throw section.error("\(item.path) must have a member SpecialToken or Sequence")
            }
        }
        return result
    }

    private func specialTokens(_ section: Section) throws(TokenizerError) -> [UTF8Key: [Int32]] {
        guard let list = try section.section("special_tokens") else { return [:] }
        var result: [UTF8Key: [Int32]] = [:]
        for (name, value) in list.object.members {
            let token = try Section(value, path: list.name(String(name.prefix(Quoted.limit))), file: section.file)
            var ids: [Int32] = []
            for id in try token.array("ids") ?? [] { ids.append(try known(id, token)) }
            result[UTF8Key(name)] = ids
        }
        return result
    }

    private func known(_ value: JSONValue, _ section: Section) throws(TokenizerError) -> Int32 {
        guard let id = value.integer.flatMap(Int32.init(exactly:)), vocabulary.contains(id) else {
            throw section.error("\(section.name("ids")) has \(Section.shown(value)), which is no token's id")
        }
        return id
    }

    /// `["</s>", 2]`
    private func pair(_ section: Section, _ key: String) throws(TokenizerError) -> Int32 {
        guard let pair = try section.array(key), pair.count == 2, pair[0].string != nil else {
            throw section.error("\(section.name(key)) must be a pair of token and id")
        }
        return try known(pair[1], section)
    }
}
