import StrictJSON

/// Reading `normalizer` and `pre_tokenizer`.
enum StageLoading {
    /// More steps than this are refused; published tokenizers have up to five.
    private static let maximumStages = 64

    static func normalizers(_ top: Section) throws(TokenizerError) -> [any PieceStage] {
        guard let section = try top.section("normalizer") else { return [] }
        return try checked(top, section, normalizer)
    }

    static func preTokenizers(_ top: Section) throws(TokenizerError) -> [any PieceStage] {
        guard let section = try top.section("pre_tokenizer") else { return [] }
        return try checked(top, section, preTokenizer)
    }

    private typealias Reader = (Section, Int) throws(TokenizerError) -> [any PieceStage]

    private static func checked(_ top: Section, _ section: Section, _ read: Reader) throws(TokenizerError) -> [any PieceStage] {
        let stages = try read(section, 0)
        if stages.count > maximumStages { throw top.error("\(section.path) has \(stages.count) steps, limit \(maximumStages)") }
        return stages
    }

    /// Refuses stages that together make much out of little.
    static func checkGrowth(_ stages: [any PieceStage], _ top: Section) throws(TokenizerError) {
        let growth = stages.reduce(1) { Growth.product($0, $1.growth) }
        if growth > Growth.limit {
            let rule = "normalizer and pre_tokenizer can make a text \(growth) times longer, limit \(Growth.limit)"
            throw top.error(rule, "Do not use this file.")
        }
    }

    private static func sequence(_ section: Section, _ key: String, _ depth: Int, _ read: Reader) throws(TokenizerError) -> [any PieceStage]
    {
        if depth >= Section.maximumDepth { throw section.error("\(section.path) is nested deeper than \(Section.maximumDepth)") }
        var stages: [any PieceStage] = []
        for item in try section.sections(key) { stages += try read(item, depth + 1) }
        return stages
    }

    private static func normalizer(_ section: Section, _ depth: Int) throws(TokenizerError) -> [any PieceStage] {
        let kind = try section.kind()
        if let form = UnicodeForm(rawValue: kind) { return [form] }
        switch kind {
        case "Sequence": return try sequence(section, "normalizers", depth, normalizer)
        case "Prepend": return [PrependNormalizer(text: Array(try section.requiredString("prepend").utf8))]
        case "Replace":
            let content = Array(try section.requiredString("content").utf8)
            return [ReplaceNormalizer(pattern: try section.replacementPattern(), content: content)]
        case "Lowercase": return [LowercaseNormalizer()]
        case "Strip":
            let left = try section.flag("strip_left", default: true)
            return [StripNormalizer(left: left, right: try section.flag("strip_right", default: true))]
        case "StripAccents": return [StripAccentsNormalizer()]
        case "ByteLevel": return [ByteAlphabetStage()]
        default:
            let known = "Sequence, Prepend, Replace, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, ByteLevel"
            throw section.unsupported("normalizer", kind, known: known)
        }
    }

    private static func preTokenizer(_ section: Section, _ depth: Int) throws(TokenizerError) -> [any PieceStage] {
        switch try section.kind() {
        case "Sequence": return try sequence(section, "pretokenizers", depth, preTokenizer)
        case "ByteLevel": return try byteLevel(section)
        case "Split": return [try section.splitStage()]
        case "Metaspace": return [try metaspace(section)]
        case "Digits": return [CharacterStage.digits(individual: try section.flag("individual_digits", default: false))]
        case "Whitespace": return CharacterStage.whitespace
        case "WhitespaceSplit": return [CharacterStage.whitespaceSplit]
        case "BertPreTokenizer": return [CharacterStage.whitespaceSplit, CharacterStage.punctuation(.isolated)]
        case "Punctuation": return [CharacterStage.punctuation(try section.behavior(default: .isolated))]
        case "CharDelimiterSplit": return [CharacterStage.delimiter(try character(section, "delimiter", default: nil))]
        case "FixedLength": return [FixedLengthStage(length: try section.integer("length", in: 1...1_000_000) ?? 5)]
        case let kind:
            let known =
                "Sequence, ByteLevel, Split, Metaspace, Digits, Whitespace, WhitespaceSplit, BertPreTokenizer, Punctuation, "
                + "CharDelimiterSplit, FixedLength"
            throw section.unsupported("pre_tokenizer", kind, known: known)
        }
    }

    private static func byteLevel(_ section: Section) throws(TokenizerError) -> [any PieceStage] {
        _ = try section.flag("trim_offsets", default: true)
        var stages: [any PieceStage] = []
        if try section.flag("add_prefix_space", default: true) { stages.append(PrefixSpaceStage()) }
        if try section.flag("use_regex", default: true) { stages.append(ScannerStage(scanner: GPT2Scanner())) }
        return stages + [ByteAlphabetStage()]
    }

    static func metaspace(_ section: Section) throws(TokenizerError) -> MetaspaceStage {
        var replacement: [UInt8] = []
        UTF8Text.append(try character(section, "replacement", default: "▁"), to: &replacement)
        return MetaspaceStage(replacement: replacement, prepend: try prepend(section), split: try section.flag("split", default: true))
    }

    private static func prepend(_ section: Section) throws(TokenizerError) -> MetaspaceStage.Prepend {
        // Files before version 0.15 have a flag in place of the scheme.
        let legacy = try section.flag("add_prefix_space", default: true)
        guard let text = try section.string("prepend_scheme") else { return legacy ? .always : .never }
        guard let scheme = MetaspaceStage.Prepend(rawValue: text), legacy || scheme == .never else {
            throw section.error("\(section.name("prepend_scheme")) is \(Quoted.text(text)), must be always, first or never")
        }
        return scheme
    }

    static func character(_ section: Section, _ key: String, default standard: Unicode.Scalar?) throws(TokenizerError) -> UInt32 {
        let text = try section.string(key) ?? standard.map { String(Character($0)) } ?? ""
        guard let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1 else {
            throw section.error("\(section.name(key)) must be one character, is \(Quoted.text(text))")
        }
        return scalar.value
    }
}
