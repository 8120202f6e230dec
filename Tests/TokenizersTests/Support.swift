import Foundation

@testable import Tokenizers

/// Small tokenizer.json texts, member by member.
struct TinyFile {
    var members: [(key: String, value: String)] = [
        ("version", #""1.0""#), ("truncation", "null"), ("padding", "null"), ("added_tokens", "[]"), ("normalizer", "null"),
        ("pre_tokenizer", "null"), ("post_processor", "null"), ("decoder", "null"), ("model", ""),
    ]
    var model: [(key: String, value: String)] = [
        ("type", #""BPE""#), ("dropout", "null"), ("unk_token", "null"), ("continuing_subword_prefix", "null"),
        ("end_of_word_suffix", "null"), ("fuse_unk", "false"), ("byte_fallback", "false"), ("ignore_merges", "false"),
        ("vocab", #"{"a": 0, "b": 1, "ab": 2}"#), ("merges", #"[["a", "b"]]"#),
    ]

    /// The file with some members replaced or added; keys of the model are written `model.vocab`.
    init(_ changes: [String: String] = [:]) {
        for (key, value) in changes {
            if key.hasPrefix("model.") {
                Self.set(String(key.dropFirst(6)), value, in: &model)
            } else {
                Self.set(key, value, in: &members)
            }
        }
    }

    private static func set(_ key: String, _ value: String, in members: inout [(key: String, value: String)]) {
        if let index = members.firstIndex(where: { $0.key == key }) { members[index].value = value } else { members.append((key, value)) }
    }

    private static func object(_ members: [(key: String, value: String)]) -> String {
        "{" + members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
    }

    var text: String {
        Self.object(members.map { $0.key == "model" && $0.value.isEmpty ? ("model", Self.object(model)) : $0 })
    }

    func load() throws(TokenizerError) -> Tokenizer { try Tokenizer(json: Array(text.utf8), file: "tiny/tokenizer.json") }
}

enum Fixtures {
    static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Samples")

    /// The byte-level tokenizer that all samples share.
    static func fables() throws -> Tokenizer { try loaded.get() }

    private static let loaded = Result { try Tokenizer.load(samples.appendingPathComponent("fables-llama").path) }

    /// All 256 bytes and nothing else, cut by `section`.
    static func bytes(_ section: String) throws -> Tokenizer {
        let vocabulary = ByteAlphabet.spellings.enumerated().map { "\(quoted(String(decoding: $1, as: UTF8.self))): \($0)" }
        return try TinyFile([
            "pre_tokenizer": section, "decoder": #"{"type": "ByteLevel"}"#, "model.vocab": "{" + vocabulary.joined(separator: ", ") + "}",
            "model.merges": "[]",
        ]).load()
    }

    /// A tokenizer in the manner of SentencePiece: byte tokens, ▁ for spaces, a handful of merges.
    static func sentencePiece(_ changes: [String: String] = [:]) throws -> Tokenizer {
        let specials = ["<unk>", "<s>", "</s>"]
        let byteTokens = (UInt8(0)...255).map { String(decoding: ByteToken.spelling($0), as: UTF8.self) }
        let letters = "▁abcdehlnoprstuw'é日".map(String.init)
        let merges = [
            ["▁", "t"], ["h", "e"], ["▁t", "he"], ["l", "l"], ["he", "ll"], ["hell", "o"], ["▁", "▁"], ["▁▁", "▁▁"], ["r", "e"],
            ["e", "r"],
            ["o", "w"], ["▁", "hello"], ["o", "r"], ["w", "or"], ["l", "d"], ["wor", "ld"], ["▁", "world"], ["é", "t"],
        ]
        let tokens = specials + byteTokens + letters + merges.map { $0[0] + $0[1] }
        let vocabulary = tokens.enumerated().map { "\(quoted($1)): \($0)" }.joined(separator: ", ")
        let added = specials.enumerated().map { #"{"id": \#($0), "content": "\#($1)", "special": true, "normalized": false}"# }
        var members = [
            "added_tokens": "[" + added.joined(separator: ", ") + "]",
            "normalizer": """
            {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, \
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
            """,
            "post_processor": """
            {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], \
            "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}
            """,
            "decoder": """
            {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, \
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
            """,
            "model.vocab": "{" + vocabulary + "}",
            "model.merges": "[" + merges.map { "[\(quoted($0[0])), \(quoted($0[1]))]" }.joined(separator: ",") + "]",
            "model.unk_token": #""<unk>""#, "model.fuse_unk": "true", "model.byte_fallback": "true",
        ]
        members.merge(changes) { $1 }
        return try TinyFile(members).load()
    }

    /// A JSON string.
    static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\" + String(Character(scalar))
            case _ where scalar.value < 0x20: "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: String(Character(scalar))
            }
        }
        return "\"" + escaped.joined() + "\""
    }
}

/// Random texts, the same in every run: white space, contractions, digits, marks, emoji, scripts, and any scalar at all.
struct RandomText {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A number below `bound` (a linear congruential generator; Knuth, The Art of Computer Programming, volume 2).
    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(max(1, bound)))
    }

    private static let words = [
        "hello", " World", "don't", "I'LL", "it'S", "x'ſ", "'re", "’s", "\n", "\r\n", "\t", "  ", "     ", "\u{A0}", "\u{3000}", "\u{85}",
        "\u{0}",
        "\u{200B}", "1234567", "٣٤", "½²", "é", "e\u{301}", "\u{301}", "한국", "日本語", "👩‍👩‍👧", "🙂", "नमस्ते", "العربية", "ﬁ", "Å", "K", "ǅ", "...",
        "!?",
        "^^^", "<|end_of_text|>", "<0x0A>", "▁", "\u{1F1E9}\u{1F1EA}",
    ]

    mutating func text(_ parts: Int) -> String {
        var text = ""
        for _ in 0..<below(parts) {
            switch below(4) {
            case 0: text.unicodeScalars.append(scalar())
            case 1: text += String(repeating: ["a", " ", "=", "1"][below(4)], count: below(9))
            default: text += Self.words[below(Self.words.count)]
            }
        }
        return text
    }

    private mutating func scalar() -> Unicode.Scalar {
        let bounds = [0x80, 0x300, 0x3000, 0x1_0000, 0x11_0000]
        return Unicode.Scalar(UInt32(below(bounds[below(bounds.count)]))) ?? "x"
    }
}
