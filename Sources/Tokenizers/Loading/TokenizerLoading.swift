import StrictJSON

extension Tokenizer {
    /// Opens a folder that holds a tokenizer.json, or such a file. What tokenizer_config.json, special_tokens_map.json and
    /// chat_template.jinja beside it say about special tokens and the template is kept too.
    package static func load(_ path: String) throws(TokenizerError) -> Tokenizer {
        let file = try tokenizerFile(path)
        let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
        let config = try TokenizerConfig(folder: folder)
        return try Tokenizer(json: FileReading.bytes(file), config: config, file: file)
    }

    private static func tokenizerFile(_ path: String) throws(TokenizerError) -> String {
        guard FileReading.kind(path) == .folder else { return path }
        let folder = path.hasSuffix("/") ? path : path + "/"
        let file = folder + "tokenizer.json"
        if FileReading.kind(file) != .missing { return file }
        if FileReading.kind(folder + "tokenizer.model") != .missing {
            throw TokenizerError(
                file: path, rule: "the folder has only tokenizer.model (SentencePiece), no tokenizer.json",
                remedy: "Save it with Hugging Face transformers (AutoTokenizer.from_pretrained(…).save_pretrained(…)), which writes one.")
        }
        throw TokenizerError(file: path, rule: "the folder has no tokenizer.json", remedy: "Give the folder of a model, or the file.")
    }

    /// Reads the text of a tokenizer.json; `file` is its name in errors.
    package init(json: [UInt8], config: TokenizerConfig = TokenizerConfig(), file: String) throws(TokenizerError) {
        let top = try Section(Self.parsed(json, file), path: "", file: file)
        if let version = top["version"], version.string != "1.0" {
            throw top.error("tokenizer version \(Section.shown(version)) unsupported (supported: '1.0')", "Save it with a newer library.")
        }
        for key in ["truncation", "padding"] { _ = try top.section(key) }
        let model = try Self.modelSection(top)
        let (vocabulary, added) = try VocabularyLoading(top: top, model: model).vocabulary()
        let normalizers = try StageLoading.normalizers(top)
        let preTokenizers = try StageLoading.preTokenizers(top)
        try StageLoading.checkGrowth(normalizers + preTokenizers, top)
        let loading = ModelLoading(model: model, vocabulary: vocabulary)
        let (bytePairs, stages) = try loading.model(preTokenizers)
        self.init(
            file: file, config: config, vocabulary: vocabulary, model: bytePairs, normalizers: normalizers, preTokenizers: stages,
            added: added, frame: try PostProcessorLoading(vocabulary: vocabulary).frame(top), decoder: try DecoderLoading.decoder(top))
    }

    /// Entries of all lists and objects of a file together; Gemma's, with 256000 tokens, has 1.4 million. A file of numbers would take
    /// twenty times its size in memory before anything of it is understood.
    static let maximumEntries = 1 << 21

    static func parsed(_ json: [UInt8], _ file: String) throws(TokenizerError) -> JSONValue {
        // A comma in a string counts too: this is a bound, not a number.
        let entries = json.count { $0 == UInt8(ascii: ",") }
        if entries > maximumEntries {
            throw TokenizerError(
                file: file, rule: "has some \(entries) entries, limit \(maximumEntries)",
                remedy: "Is this a tokenizer? Give a tokenizer.json.")
        }
        do { return try StrictJSON.parse(json) } catch {
            if json.starts(with: Array("version https://git-lfs".utf8)) {
                throw TokenizerError(file: file, rule: "this is a git-lfs pointer, not the file itself", remedy: "Run `git lfs pull`.")
            }
            throw TokenizerError(file: file, rule: Quoted.plain(error.description), remedy: TokenizerError.downloadAgain)
        }
    }

    private static func modelSection(_ top: Section) throws(TokenizerError) -> Section {
        guard let model = try top.section("model") else { throw top.error("no model section") }
        // Files of the first versions do not name the type; only BPE has merges.
        let kind = try model.string("type") ?? (model["merges"] == nil ? "" : "BPE")
        switch kind {
        case "BPE": return model
        case "Unigram", "WordPiece", "WordLevel":
            throw model.error("model type '\(kind)' unsupported so far (supported: BPE)", "Open a model with a BPE tokenizer, or give ids.")
        case "": throw model.error("model.type is missing, it must be a string")
        default: throw model.unsupported("model", kind, known: "BPE")
        }
    }
}

/// Reading the rest of `model`.
struct ModelLoading {
    let model: Section
    let vocabulary: Vocabulary

    /// The model, and the pre-tokenizers less the byte-level mapping, which a byte-level model does itself.
    func model(_ stages: [any PieceStage]) throws(TokenizerError) -> (BytePairModel, [any PieceStage]) {
        let options = try options()
        let (table, pairs) = try MergeLoading(model: model, vocabulary: vocabulary, options: options).merges()
        let scalars = ScalarSymbols(vocabulary)
        if stages.last is ByteAlphabetStage, let alphabet = byteAlphabet(options) {
            let bytePairs = BytePairModel(vocabulary: vocabulary, merges: table, options: options, alphabet: alphabet, seams: nil)
            return (bytePairs, Array(stages.dropLast()))
        }
        let seams = Seams(vocabulary, scalars, options, pairs)
        return (BytePairModel(vocabulary: vocabulary, merges: table, options: options, alphabet: .scalars(scalars), seams: seams), stages)
    }

    private func options() throws(TokenizerError) -> BytePairOptions {
        if let dropout = model["dropout"] {
            guard let value = dropout.number?.double, value >= 0, value <= 1 else {
                throw model.error("model.dropout must be a number from 0 to 1, is \(Section.shown(dropout))")
            }
        }
        var options = BytePairOptions()
        if let unknown = try model.string("unk_token") {
            guard let id = vocabulary.id(unknown) else { throw model.error("model.unk_token \(Quoted.text(unknown)) not in vocab") }
            options.unknown = id
        }
        options.fuseUnknown = try model.flag("fuse_unk", default: false)
        options.byteFallback = try model.flag("byte_fallback", default: false)
        options.ignoreMerges = try model.flag("ignore_merges", default: false)
        options.continuingPrefix = Array((try model.string("continuing_subword_prefix") ?? "").utf8)
        options.endSuffix = Array((try model.string("end_of_word_suffix") ?? "").utf8)
        return options
    }

    /// Bytes as symbols; nil where the model asks something of symbols that only scalars answer.
    private func byteAlphabet(_ options: BytePairOptions) -> SymbolAlphabet? {
        guard options.continuingPrefix.isEmpty, options.endSuffix.isEmpty else { return nil }
        let ids = ByteAlphabet.spellings.map { vocabulary.modelID($0) ?? -1 }
        if ids.contains(-1) && (options.unknown != nil || options.byteFallback) { return nil }
        return .bytes(ids, whole: options.ignoreMerges ? wholeTokens() : ByteTable())
    }

    private func wholeTokens() -> ByteTable {
        var table = ByteTable(capacity: vocabulary.modelEnd)
        for id in 0..<Int32(clamping: vocabulary.modelEnd) {
            guard let spelling = vocabulary.spelling(id), vocabulary.isModelToken(id) else { continue }
            guard let bytes = ByteAlphabet.bytes(of: Array(spelling).span) else { continue }
            _ = table.insert(bytes.span, id)
        }
        return table
    }
}
