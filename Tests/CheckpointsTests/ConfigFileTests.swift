import Checkpoints
import Foundation
import StrictJSON
import Testing

private let cases: [(id: String, text: [UInt8], fragment: String)] = [
    ("C01 empty", [], "not a JSON object: line 1, column 1: holds no JSON value"),
    ("C02 truncated", Array("{\"a\": 1,\n \"b\"".utf8), "not a JSON object: line 2, column 5: ends early"),
    ("C03 array", Array("[]".utf8), "not a JSON object, is an array"),
    ("C29 twice", Array("{\"a\": 1,\n\"a\": 1}".utf8), "line 2, column 1: has the key 'a' twice"),
    ("C29 twice of many", Array("{\((0..<20).map { "\"k\($0)\":0," }.joined())\"k3\":1}".utf8), "has the key 'k3' twice"),
    ("C30 NaN", Array("{\"a\": NaN}".utf8), "line 1, column 7: expects a value"),
    ("C30 Infinity", Array("{\"a\": -Infinity}".utf8), "line 1, column 7: has a number without digits"),
    ("C31 UTF-16", [0xFF, 0xFE, 0x7B, 0, 0x7D, 0], "line 1, column 1: is UTF-16"),
    ("C31 UTF-16 without mark", [0x7B, 0, 0x7D, 0], "is UTF-16"),
    ("C31 byte-order mark", [0xEF, 0xBB, 0xBF, 0x7B, 0x7D], "byte-order mark"),
    ("C32 deep", Array(#"{"a":"#.utf8) + [UInt8](repeating: 0x5B, count: 100_000), "is nested deeper than 128"),
    ("C33 trailing comma", Array("{\"a\": 1,}".utf8), "line 1, column 9: has a trailing comma"),
    ("C33 trailing comma in a list", Array("{\"a\": [1,]}".utf8), "has a trailing comma"),
    ("comment", Array("{ // why\n}".utf8), "expects a key in double quotes"),
    ("raw control character", Array("{\"a\": \"\u{1B}\"}".utf8), "raw control character"),
    ("lone surrogate", Array(#"{"a": "\ud800"}"#.utf8), "lone surrogate"),
    ("not UTF-8", [0x7B, 0x22, 0xC3, 0x28, 0x22, 0x3A, 0x31, 0x7D], "line 1, column 3: is not valid UTF-8"),
    ("leading zero", Array("{\"a\": 01}".utf8), "leading zero"),
    ("text after", Array("{} {}".utf8), "has text after the end"),
    ("git-lfs", Array("version https://git-lfs.github.com/spec/v1\n".utf8), "this is a git-lfs pointer"),
    ("HTML", Array("<!doctype html><html>".utf8), "this is an HTML page"),
]

@Suite struct ConfigFileTests {
    @Test(arguments: cases) func rule(_ id: String, _ text: [UInt8], _ fragment: String) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("config.json", text)
        for open in [{ try ConfigFile(path: path) }, { try ModelFolder(path: folder.path).config() }] {
            let error = #expect(throws: CheckpointError.self) { try open() }
            #expect(error?.description.hasPrefix("cannot load \(path): config.json: ") == true)
            #expect(error?.description.contains(fragment) == true, "\(id): \(String(describing: error))")
        }
    }

    @Test func tooLarge() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("config.json", "{}")
        try #require(truncate(path, 5 << 20) == 0)
        let error = #expect(throws: CheckpointError.self) { try ConfigFile(path: path) }
        #expect(error?.rule == "file too large (size = 5242880 bytes, limit 4194304)")
    }

    @Test func modelFolder() throws {
        let folder = try TemporaryFolder()
        let model = try ModelFolder(path: folder.path)
        #expect(throws: CheckpointError.self) { try model.config() }
        #expect(try model.generationConfig() == nil)
        #expect(try model.tokenizer() == .none)
        try folder.write("tokenizer.model", "")
        #expect(try model.tokenizer() == .other(name: "tokenizer.model"))
        let path = try folder.write("tokenizer.json", "{}")
        #expect(try model.tokenizer() == .json(path: path))
        try folder.write("config.json", #"{"model_type":"llama"}"#)
        #expect(try model.config().modelType() == "llama")
    }

    @Test(arguments: ["{}", #"{"model_type":1}"#, #"{"model_type":null}"#]) func modelTypeMustBeAString(_ text: String) throws {
        let folder = try TemporaryFolder()
        let config = try ConfigFile(path: folder.write("config.json", text))
        #expect(throws: CheckpointError.self) { try config.modelType() }
    }

    /// Keys that are one character under Unicode's canonical equality are two keys of an object.
    @Test func keysAreBytes() throws {
        let object = try #require(try StrictJSON.parse(Array("{\"\u{E9}\": 1, \"e\u{301}\": 2}".utf8)).object)
        #expect(object["\u{E9}"]?.integer == 1)
        #expect(object["e\u{301}"]?.integer == 2)
    }

    @Test func numbersKeepTheirText() throws {
        let values = try #require(try StrictJSON.parse(Array("[18446744073709551616, 0.0, 1e400, -0, 3]".utf8)).array)
        let numbers = values.compactMap(\.number)
        #expect(numbers.map(\.integer) == [nil, nil, nil, 0, 3])
        #expect(numbers.map(\.isInteger) == [true, false, false, true, true])
        #expect(numbers.map(\.isNegative) == [false, false, false, true, false])
        #expect(numbers[2].double == .infinity)
    }
}
