import Foundation
import Testing

@testable import Tokenizers

/// The lines of `mica tokenize`, and what is read beside tokenizer.json.
@Suite struct ReportTests {
    @Test func table() throws {
        let report = TokenizeReport(try Fixtures.fables())
        #expect(
            report.table("The ring") == [
                "    #      id  token              bytes",
                "    0    2032  <|begin_of_text|>  3c 7c 62 65 67 69 6e 5f 6f 66 5f 74 65 78 74 7c 3e  special",
                "    1     335  The                54 68 65", "    2     988  Ġring              20 72 69 6e 67", "3 tokens for 8 bytes",
            ])
        #expect(
            TokenizeReport(try Fixtures.fables(), addSpecial: false).table("") == ["    #      id  token  bytes", "0 tokens for 0 bytes"])
    }

    @Test func explanation() throws {
        let tokenizer = try TinyFile([
            "model.vocab": #"{"a": 0, "b": 1, "ab": 2, "<s>": 3}"#, "added_tokens": #"[{"id": 3, "content": "<s>", "special": true}]"#,
        ]).load()
        #expect(
            TokenizeReport(tokenizer).explanation("<s>aba") == [
                "\"<s>\"  added token <s>", "\"ab\"  2 symbols, 1 merges", "          start  a b", "  rank        0  ab   (a+b)",
                "            ids  2",
                "\"a\"  1 symbols, 0 merges", "          start  a", "            ids  0",
            ])
    }

    @Test func jsonLines() throws {
        let report = TokenizeReport(try Fixtures.fables(), addSpecial: false)
        #expect(try report.jsonLine(Array(#""Hello, world!""#.utf8), number: 1) == "[39,410,78,11,461,519,0]")
        #expect(try report.jsonLine(Array(#""""#.utf8), number: 1) == "[]")
        for (line, rule) in [
            ("12", "line 7 is not a JSON string"), ("\"a", "line 7, column"), ("", "line 7, column 1"), ("\"\\ud800\"", "lone surrogate"),
        ] {
            let error = #expect(throws: TokenizerError.self) { try report.jsonLine(Array(line.utf8), number: 7) }
            #expect(error?.rule.contains(rule) == true)
        }
    }

    private func folder(_ files: [String: String]) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
        return folder.path
    }

    @Test func configuration() throws {
        let path = try folder([
            "tokenizer.json": TinyFile().text,
            "tokenizer_config.json":
                #"{"bos_token": {"content": "a"}, "eos_token": "b", "pad_token": null, "chat_template": [{"name": "default", "template": "T"}, {"name": "tools", "template": "U"}]}"#,
            "special_tokens_map.json": #"{"bos_token": "b", "unk_token": "nowhere"}"#,
        ])
        let tokenizer = try Tokenizer.load(path)
        #expect(tokenizer.bosID == 0)
        #expect(tokenizer.eosID == 1)
        #expect(tokenizer.config.padToken == nil)
        #expect(tokenizer.config.unkToken == "nowhere")
        #expect(tokenizer.chatTemplate == "T")
        #expect(tokenizer.config.namedTemplates.map(\.name) == ["default", "tools"])
        #expect(try Tokenizer.load(path + "/tokenizer.json").eosID == 1)
        #expect(try Tokenizer.load(path + "/").file == path + "/tokenizer.json")
        let other = try folder(["tokenizer.json": TinyFile().text, "chat_template.jinja": "J"])
        #expect(try Tokenizer.load(other).chatTemplate == "J")
        #expect(try Tokenizer.load(other).bosID == nil)
    }

    @Test func whatIsNotThereIsNamed() throws {
        let cases: [([String: String], String)] = [
            (["tokenizer.model": "x"], "the folder has only tokenizer.model (SentencePiece), no tokenizer.json"),
            ([:], "the folder has no tokenizer.json"),
            (["tokenizer.json": TinyFile().text, "tokenizer_config.json": "{"], "line 1, column 2"),
            (["tokenizer.json": TinyFile().text, "tokenizer_config.json": #"{"bos_token": 5}"#], "bos_token must be a string, is 5"),
            (["tokenizer.json": TinyFile().text, "tokenizer_config.json": #"{"chat_template": {}}"#], "chat_template must be a string"),
        ]
        for (files, rule) in cases {
            let path = try folder(files)
            let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(path) }
            #expect(error?.rule.contains(rule) == true, "\(error?.description ?? "")")
        }
        for (path, rule) in [("/nowhere/at/all", "No such file"), ("/dev/zero", "not a regular file"), ("/dev/null", "not a regular file")]
        {
            let error = #expect(throws: TokenizerError.self) { try Tokenizer.load(path) }
            #expect(error?.rule.contains(rule) == true)
        }
    }
}
