import StrictJSON
import Testing

@testable import Tokenizers

/// Every value of a tokenizer.json that has all sections is replaced by every kind of wrong value, and left out: it loads or
/// throws, and what loads encodes and decodes, but nothing traps.
@Suite struct MutationTests {
    private static let full = """
        {"version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [{"id": 5, "content": "<s>", "single_word": false, "lstrip": true, "rstrip": false, "normalized": false, "special": true},
        {"id": 6, "content": "<x>", "single_word": true, "lstrip": false, "rstrip": true, "normalized": true, "special": false}],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Prepend", "prepend": "_"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "_"}, {"type": "Replace", "pattern": {"Regex": "x+"}, "content": "a"},
        {"type": "Strip", "strip_left": true, "strip_right": true}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "a|b"}, "behavior": "Isolated", "invert": false},
        {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": true}, {"type": "Digits", "individual_digits": true},
        {"type": "Punctuation", "behavior": "Isolated"}, {"type": "CharDelimiterSplit", "delimiter": "q"}, {"type": "FixedLength", "length": 9},
        {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]},
        "post_processor": {"type": "Sequence", "processors": [{"type": "ByteLevel"}, {"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}], "pair": [],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]}}}]},
        "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "_"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        {"type": "Metaspace", "replacement": "_", "prepend_scheme": "always", "split": true}, {"type": "BPEDecoder", "suffix": "w"}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "?", "continuing_subword_prefix": null, "end_of_word_suffix": null,
        "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
        "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, "_": 4}, "merges": [["a", "b"]]}}
        """

    private static let wrong = [
        "null", "true", "false", "-1", "0", "7", "0.5", "1e999", "-1e999", "18446744073709551616", "2147483647", "2147483648", "\"\"",
        "\"x\"", "\"BPE\"",
        "\"\\u0000\"", "\"日本\"", "\"(\"", "[]", "{}", "[[]]", "[{}]", "[null]", "[\"a\"]", "[\"a\", \"b\"]", "{\"a\": 0}",
        "{\"type\": \"Sequence\"}",
    ]

    /// The text with the value at `path` (the numbers of members and elements) replaced; nil leaves the member out.
    private func written(_ value: JSONValue, _ path: ArraySlice<Int>, _ replacement: String?) -> String {
        guard let next = path.first else { return replacement ?? "null" }
        let rest = path.dropFirst()
        switch value {
        case .object(let object):
            let members = object.members.enumerated().compactMap { index, member -> String? in
                if index == next && rest.isEmpty && replacement == nil { return nil }
                return Fixtures.quoted(member.key) + ":" + (index == next ? written(member.value, rest, replacement) : whole(member.value))
            }
            return "{" + members.joined(separator: ",") + "}"
        case .array(let values):
            return "[" + values.enumerated().map { $0 == next ? written($1, rest, replacement) : whole($1) }.joined(separator: ",") + "]"
        default: return whole(value)
        }
    }

    private func whole(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): "\(flag)"
        case .number(let number): number.literal
        case .string(let text): Fixtures.quoted(text)
        case .array(let values): "[" + values.map(whole).joined(separator: ",") + "]"
        case .object(let object): "{" + object.members.map { Fixtures.quoted($0.key) + ":" + whole($0.value) }.joined(separator: ",") + "}"
        }
    }

    /// The way to every value.
    private func paths(_ value: JSONValue, _ path: [Int] = []) -> [[Int]] {
        switch value {
        case .object(let object): [path] + object.members.enumerated().flatMap { paths($1.value, path + [$0]) }
        case .array(let values): [path] + values.enumerated().flatMap { paths($1, path + [$0]) }
        default: [path]
        }
    }

    @Test func everyWrongValueLoadsOrThrows() throws {
        let value = try StrictJSON.parse(Array(Self.full.utf8))
        #expect(try Tokenizer(json: Array(whole(value).utf8), file: "full").encode("ab <s>") == [5, 4, 1, 2, 5])
        var refused = 0
        var loaded = 0
        for path in paths(value).dropFirst() {
            for replacement in Self.wrong.map(Optional.some) + [nil] {
                if tries(written(value, path[...], replacement)) { loaded += 1 } else { refused += 1 }
            }
        }
        #expect(loaded > 300)
        #expect(refused > 1500)
    }

    /// Whether it loads.
    private func tries(_ json: String) -> Bool {
        do {
            let tokenizer = try Tokenizer(json: Array(json.utf8), file: "mutated")
            for text in ["", "ab", "  a<x>b <s> 日é\u{301}x12,q?", "aaaaaaaaaaab"] {
                let ids = tokenizer.encode(text)
                _ = tokenizer.decode(ids)
                let explained = tokenizer.explain(text).flatMap(\.ids)
                #expect(explained == tokenizer.encode(text, addSpecial: false), "\(json)")
            }
            return true
        } catch {
            #expect(error.description.hasPrefix("cannot load mutated: "))
            #expect(!error.remedy.isEmpty)
            return false
        }
    }

    /// Every beginning of the file is refused with a position, and bytes changed at random never trap.
    @Test func truncatedAndDamagedFilesNeverTrap() throws {
        let bytes = Array(Self.full.utf8)
        for end in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: TokenizerError.self) { try Tokenizer(json: Array(bytes[..<end]), file: "cut") }
        }
        var random = RandomText(seed: 77)
        for _ in 0..<3000 {
            var damaged = bytes
            for _ in 0..<(1 + random.below(3)) { damaged[random.below(damaged.count)] = UInt8(random.below(256)) }
            _ = tries(String(decoding: damaged, as: UTF8.self))
        }
    }
}
