import Testing

@testable import Tokenizers

/// Every malformed tokenizer.json gets an error that names the file, the value and the rule; what is merely unusual loads.
@Suite struct HostileTests {
    private static func split(_ pattern: String) -> [String: String] {
        [
            "pre_tokenizer":
                #"{"type": "Split", "pattern": {"Regex": \#(Fixtures.quoted(pattern))}, "behavior": "Isolated", "invert": false}"#
        ]
    }

    private static func nested(_ key: String, _ list: String, _ depth: Int) -> [String: String] {
        let opening = String(repeating: #"{"type": "Sequence", "\#(list)": ["#, count: depth)
        return [key: opening + String(repeating: "]}", count: depth)]
    }

    private static func added(_ content: String, _ id: String, _ more: String = "") -> [String: String] {
        ["added_tokens": #"[{"id": \#(id), "content": \#(Fixtures.quoted(content)), "special": true\#(more)}]"#]
    }

    private static func many(_ item: String, _ count: Int) -> String { Array(repeating: item, count: count).joined(separator: ",") }

    private static let doubling = #"{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}"#
    private static let long = String(repeating: "x", count: 5000)

    static let refused: [(name: String, changes: [String: String], rule: String)] = [
        ("version", ["version": #""2.0""#], "tokenizer version '2.0' unsupported"),
        ("version is a number", ["version": "1.0"], "tokenizer version 1.0 unsupported"),
        ("unknown model", ["model.type": #""XPE""#], "model type 'XPE' unsupported (supported: BPE)"),
        ("unigram", ["model.type": #""Unigram""#], "model type 'Unigram' unsupported so far (supported: BPE)"),
        ("model is null", ["model": "null"], "no model section"),
        ("model is a list", ["model": "[]"], "model must be a JSON object, is an array"),
        ("key twice", ["model.vocab": #"{"a": 0, "b": 1, "ab": 2, "a": 3}"#], "'a' twice"),
        ("id twice", ["model.vocab": #"{"a": 0, "b": 1, "ab": 1}"#], "id 1 used by 'b' and 'ab'"),
        ("id negative", ["model.vocab": #"{"a": 0, "b": 1, "ab": -1}"#], "id -1 of 'ab' out of range for vocab of 3"),
        ("id 2^32", ["model.vocab": #"{"a": 0, "b": 1, "ab": 4294967296}"#], "id 4294967296 of 'ab' out of range for vocab of 3"),
        ("id sparse", ["model.vocab": #"{"a": 0, "b": 1, "ab": 4294967295}"#], "out of range for vocab of 3"),
        ("id next but one", ["model.vocab": #"{"a": 0, "b": 1, "ab": 3}"#], "out of range for vocab of 3"),
        ("id beyond 2^64", ["model.vocab": #"{"a": 0, "b": 1, "ab": 99999999999999999999}"#], "id of 'ab' must be a whole number"),
        ("id a fraction", ["model.vocab": #"{"a": 0, "b": 1, "ab": 0.5}"#], "id of 'ab' must be a whole number, is 0.5"),
        ("id a string", ["model.vocab": #"{"a": 0, "b": 1, "ab": "2"}"#], "must be a whole number, is '2'"),
        ("vocab a list", ["model.vocab": "[]"], "model.vocab must be an object from token to id, is an array"),
        ("merge part missing", ["model.merges": #"[["a", "b"], ["a", "x"]]"#], "merge 1 'a x': right part 'x' not in vocab"),
        ("merge left missing", ["model.merges": #"[["y", "b"]]"#], "merge 0 'y b': left part 'y' not in vocab"),
        ("merge result missing", ["model.merges": #"[["a", "b"], ["b", "a"]]"#], "merge 1 'b a': result 'ba' not in vocab"),
        ("merge of three", ["model.merges": #"[["a", "b"], ["a", "b", "a"]]"#], "merge 1 must have two parts"),
        ("merge of one", ["model.merges": #"["a"]"#], "merge 0 must have two parts"),
        ("merge string of three", ["model.merges": #"["a b a"]"#], "merge 0 must have two parts"),
        ("merge a number", ["model.merges": "[7]"], "merge 0 must have two parts, is 7"),
        ("merge of numbers", ["model.merges": "[[1, 2]]"], "merge 0 must have two parts"),
        ("merge with nothing", ["model.merges": #"[["a", ""]]"#], "right part '' not in vocab"),
        ("merges an object", ["model.merges": "{}"], "model.merges must be an array"),
        ("unmatched group", split("("), "pre_tokenizer.pattern: unmatched '(' at 0"),
        ("ten thousand groups", split(String(repeating: "(", count: 10000)), "pattern nested too deep"),
        ("back-reference", split(#"(a)\1"#), "cannot guarantee linear time"),
        (
            "pattern a number", ["pre_tokenizer": #"{"type": "Split", "pattern": {"Regex": 7}, "behavior": "Isolated"}"#],
            "pattern.Regex must be a string"
        ),
        ("no pattern", ["pre_tokenizer": #"{"type": "Split", "behavior": "Isolated"}"#], "pattern is missing"),
        (
            "pattern empty", ["pre_tokenizer": #"{"type": "Split", "pattern": {}, "behavior": "Isolated"}"#],
            "must have a member String or Regex"
        ),
        (
            "behavior", ["pre_tokenizer": #"{"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Odd"}"#],
            "behavior is 'Odd', must be one of"
        ),
        ("added id taken", added("<s>", "0"), "added token '<s>' claims id 0 = 'a'"),
        ("added id far", added("<s>", "999999999"), "id gap"),
        ("added id next but one", added("<s>", "4"), "id gap"),
        ("added id negative", added("<s>", "-1"), "must be a whole number"),
        ("added id beyond 2^32", added("<s>", "4294967296"), "must be a whole number"),
        ("added id missing", ["added_tokens": #"[{"content": "<s>"}]"#], "added_tokens[0].id of '<s>' is missing"),
        ("added empty", added("", "3"), "empty added token"),
        ("added token has another id", added("ab", "1"), "added token 'ab' claims id 1, but it has id 2"),
        ("added flag", added("<s>", "3", #", "lstrip": "yes""#), "added_tokens[0].lstrip must be true or false, is 'yes'"),
        ("added a string", ["added_tokens": #"["<s>"]"#], "added_tokens[0] must be a JSON object, is a string"),
        ("unk_token", ["model.unk_token": #""<nope>""#], "unk_token '<nope>' not in vocab"),
        ("dropout", ["model.dropout": "2"], "dropout must be a number from 0 to 1, is 2"),
        ("dropout infinite", ["model.dropout": "1e999"], "dropout must be a number from 0 to 1"),
        ("dropout a string", ["model.dropout": #""0.1""#], "dropout must be a number"),
        ("normalizer", ["normalizer": #"{"type": "Precompiled"}"#], "normalizer type 'Precompiled' unsupported"),
        ("normalizer without type", ["normalizer": "{}"], "normalizer.type is missing"),
        ("pre_tokenizer", ["pre_tokenizer": #"{"type": "Magic"}"#], "pre_tokenizer type 'Magic' unsupported"),
        ("decoder", ["decoder": #"{"type": "CTC"}"#], "decoder type 'CTC' unsupported"),
        ("post_processor", ["post_processor": #"{"type": "Odd"}"#], "post_processor type 'Odd' unsupported"),
        ("normalizers nested", nested("normalizer", "normalizers", 200), "nested deeper than"),
        ("normalizers nested forty times", nested("normalizer", "normalizers", 40), "nested deeper than 32"),
        ("pre_tokenizers nested", nested("pre_tokenizer", "pretokenizers", 40), "nested deeper than 32"),
        ("decoders nested", nested("decoder", "decoders", 40), "nested deeper than 32"),
        ("processors nested", nested("post_processor", "processors", 40), "nested deeper than 32"),
        ("vocabulary empty", ["model.vocab": "{}", "model.merges": "[]"], "vocabulary is empty"),
        ("lone surrogate", ["model.vocab": #"{"a": 0, "b": 1, "\ud800": 2}"#], "lone surrogate"),
        ("trailing comma", ["model.vocab": #"{"a": 0, "b": 1, "ab": 2,}"#], "trailing comma"),
        ("text grows", ["normalizer": "{\"type\": \"Sequence\", \"normalizers\": [\(many(doubling, 40))]}"], "times longer"),
        ("text grows with spaces", ["normalizer": #"{"type": "Prepend", "prepend": "\#(long)"}"#], "times longer"),
        ("decoder grows", ["decoder": #"{"type": "Replace", "pattern": {"String": "a"}, "content": "\#(long)"}"#], "times longer"),
        (
            "many steps",
            ["pre_tokenizer": "{\"type\": \"Sequence\", \"pretokenizers\": [\(many("{\"type\": \"WhitespaceSplit\"}", 100))]}"],
            "has 100 steps, limit 64"
        ),
        (
            "metaspace of two characters", ["pre_tokenizer": #"{"type": "Metaspace", "replacement": "ab"}"#],
            "must be one character, is 'ab'"
        ),
        ("delimiter of none", ["pre_tokenizer": #"{"type": "CharDelimiterSplit", "delimiter": ""}"#], "must be one character"),
        ("pieces of no length", ["pre_tokenizer": #"{"type": "FixedLength", "length": 0}"#], "whole number from 1"),
        ("strip too much", ["decoder": #"{"type": "Strip", "content": " ", "start": -1}"#], "whole number from 0"),
        ("truncation", ["truncation": "7"], "truncation must be a JSON object, is a number"),
        ("prefix longer than the part", ["model.continuing_subword_prefix": "\"##\""], "right part shorter than continuing_subword_prefix"),
    ]

    private static func template(_ single: String, _ tokens: String = "{}", _ pair: String = "[]") -> [String: String] {
        ["post_processor": #"{"type": "TemplateProcessing", "single": \#(single), "pair": \#(pair), "special_tokens": \#(tokens)}"#]
    }

    private static let text = #"{"Sequence": {"id": "A", "type_id": 0}}"#
    private static let mark = #"{"SpecialToken": {"id": "[X]", "type_id": 0}}"#

    static let templates: [(name: String, changes: [String: String], rule: String)] = [
        ("token undefined", template("[\(mark), \(text)]"), "uses '[X]', which is not in special_tokens"),
        ("token undefined in pair", template("[\(text)]", "{}", "[\(mark)]"), "pair uses '[X]', which is not in special_tokens"),
        ("id unknown", template("[\(mark), \(text)]", #"{"[X]": {"ids": [77]}}"#), "has 77, which is no token's id"),
        ("id a string", template("[\(mark), \(text)]", #"{"[X]": {"ids": ["a"]}}"#), "has 'a', which is no token's id"),
        ("ids a number", template("[\(mark), \(text)]", #"{"[X]": {"ids": 1}}"#), "ids must be an array"),
        ("no text", template("[]"), "has the text 0 times"),
        ("text twice", template("[\(text), \(text)]"), "has the text 2 times"),
        ("second text", template(#"[{"Sequence": {"id": "B"}}]"#), "has a second text"),
        ("item of no kind", template("[{}]"), "must have a member SpecialToken or Sequence"),
        ("many ids", template("[\(text), \(mark)]", "{\"[X]\": {\"ids\": [\(many("1", 5000))]}}"), "limit 4096"),
        (
            "pair of one", ["post_processor": #"{"type": "BertProcessing", "sep": ["a"], "cls": ["a", 0]}"#],
            "must be a pair of token and id"
        ),
    ]

    @Test(arguments: (refused + templates).indices)
    func isRefused(_ index: Int) throws {
        let (name, changes, rule) = (Self.refused + Self.templates)[index]
        let error = #expect(throws: TokenizerError.self, "\(name)") { try TinyFile(changes).load() }
        let message = error?.description ?? ""
        #expect(message.contains(rule), "\(name): \(message)")
        #expect(message.hasPrefix("cannot load tiny/tokenizer.json: "), "\(name)")
        #expect(message.count < 500 && message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }, "\(name): \(message)")
        #expect(error?.remedy.isEmpty == false)
    }

    @Test(arguments: [
        ([], "line 1, column 1"), (Array("{\"version\": ".utf8), "ends early"),
        ([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], "not valid UTF-8"),
        (Array("[]".utf8), "must be a JSON object, is an array"),
        (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "git-lfs pointer"),
        (Array(String(repeating: "[", count: 200_000).utf8), "nested deeper than 128"),
        (Array("[1\(String(repeating: ",1", count: 2_097_153))]".utf8), "has some 2097153 entries, limit 2097152"),
        (Array("{\"\u{1B}]52;c\u{7}\": 1}".utf8), "raw control character"),
        (Array("{\"a\\u001b[2J\": 1, \"a\\u001b[2J\": 1}".utf8), "a<0x1B>[2J"),
    ])
    func damagedTextIsRefused(_ json: [UInt8], _ rule: String) {
        let error = #expect(throws: TokenizerError.self) { try Tokenizer(json: json, file: "x\u{1B}.json") }
        #expect(error?.description.contains(rule) == true, "\(error?.description ?? "")")
        #expect(error?.description.utf8.contains(0x1B) == false)
    }

    @Test func unusualFilesLoad() throws {
        #expect(try TinyFile(["model.merges": #"["a b"]"#]).load().encode("ab") == [2])
        #expect(
            try TinyFile(["model.vocab": #"{"a": 0, "b": 1, "ab": 2, "ba": 3}"#, "model.merges": #"[["a", "b"], ["b", "a"], ["a", "b"]]"#])
                .load().encode("aba") == [0, 3])
        #expect(try TinyFile(["model.dropout": "0.5"]).load().encode("abab") == [2, 2])
        #expect(try TinyFile(Self.added("\u{1B}]52;c;eA==\u{7}", "3")).load().tokenText(3) == "\u{1B}]52;c;eA==\u{7}")
        let canonical = #"{"a": 0, "é": 1, "e\#u{301}": 2, "K": 3, "\#u{212A}": 4, "한": 5, "\#u{1112}\#u{1161}\#u{11AB}": 6}"#
        let tokenizer = try TinyFile(["model.vocab": canonical, "model.merges": "[]"]).load()
        #expect(tokenizer.vocabularyCount == 7)
        #expect(tokenizer.encode("é\u{212A}K한") == [1, 4, 3, 5])
        #expect(try TinyFile(Self.split("(a+)+$")).load().encode("aab") == [0, 2])
        #expect(try TinyFile(Self.split("")).load().encode("ab") == [0, 1])
        #expect(try TinyFile(Self.added("<s>", "3")).load().encode("<s>ab<s>") == [3, 2, 3])
    }
}
