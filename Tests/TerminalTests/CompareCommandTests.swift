import Foundation
import Testing

/// `mica compare`: what it says and the code it ends with.
struct CompareCommandTests {
    private static let gemma = "\(CommandLineTests.root)/Samples/fables-gemma2"
    private static let prompt = ["--prompt", "Tom and Mia"]

    private static func compare(_ arguments: String...) throws -> CommandLineTests.Outcome {
        try CommandLineTests.run(["compare", gemma] + arguments + prompt)
    }

    private static func object(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func theFirstValueBeyondIsNamedWithItsElement() throws {
        let outcome = try Self.compare("--quirk", "gelu-exact")
        #expect(outcome.code == 1 && outcome.errors.isEmpty && !outcome.hasControls)
        #expect(outcome.output.contains("first beyond the tolerance"))
        #expect(outcome.output.contains("): model.layers.0.mlp.act_fn [") && outcome.output.contains("next token: KL mean"))
        let json = try Self.object(try Self.compare("--quirk", "gelu-exact", "--json").output)
        #expect(json["first_beyond"] as? String == "model.layers.0.mlp.act_fn")
        let values = try #require(json["values"] as? [[String: Any]])
        let first = try #require(values.first { $0["name"] as? String == "model.layers.0.mlp.act_fn" })
        let (a, b) = (try #require(first["a"] as? Double), try #require(first["b"] as? Double))
        #expect(abs(abs(a - b) - (try #require(first["max_abs"] as? Double))) < 1e-12 && first["beyond"] as? Bool == true)
    }

    @Test func whatIsWithinEndsWithZero() throws {
        let outcome = try Self.compare("--rule", "@linear kernel reference")
        #expect(outcome.code == 0 && outcome.output.contains("values have the same bits"))
        let narrow = try Self.compare("--b", "fp16", "--names", "layers.2")
        #expect(narrow.code == 0 && narrow.output.contains("are within the tolerance") && !narrow.output.contains("layers.3"))
        let strict = try Self.compare("--b", "fp16", "--tolerance", "1e-12")
        #expect(strict.code == 1)
    }

    /// Where a mistake changes nothing, it is not called noise, and it is said that such a pass does not show it.
    @Test func aMistakeThatDoesNotShowIsSaidNotToShow() throws {
        let unseen = try Self.compare("--quirk", "cache-position-off-by-one", "--verdict")
        #expect(unseen.code == 0 && unseen.output.contains("values have the same bits"))
        #expect(unseen.output.contains("this pass does not show cache-position-off-by-one") && unseen.output.contains("verdict: same"))
        #expect(!(try Self.compare("--rule", "@linear kernel reference").output.contains("does not show")))
    }

    /// A mistake is a bug at its own op, other roundings are noise.
    @Test func verdictsTellNoiseFromBugs() throws {
        let bug = try Self.compare("--quirk", "gelu-exact", "--verdict")
        #expect(bug.code == 1 && bug.output.contains("verdict: bug at model.layers.0.mlp.act_fn ["))
        let json = try Self.object(try Self.compare("--quirk", "gelu-exact", "--verdict", "--json").output)
        let values = try #require(json["values"] as? [[String: Any]])
        let kinds = Dictionary(grouping: values) { ($0["verdict"] as? [String: Any])?["kind"] as? String ?? "" }
        let bugs = (kinds["bug"] ?? []).compactMap { $0["name"] as? String }
        #expect(bugs.count == 6 && bugs.allSatisfy { $0.hasSuffix("mlp.act_fn") } && kinds["carried"]?.isEmpty == false)
        let noise = try Self.compare("--b", "bf16", "--tolerance", "1", "--verdict")
        #expect(noise.code == 0 && noise.output.contains("verdict: noise"))
    }

    /// What one run wrote is held against another, with the tokens that are in the file.
    @Test func aTraceIsADump() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("mica-compare-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("trace.safetensors").path
        _ = try CommandLineTests.run(["trace", Self.gemma, "--backward", "--out", file] + Self.prompt)
        let same = try CommandLineTests.mica("compare", Self.gemma, "--dump", file, "--backward", "--json")
        #expect(same.code == 0, "\(same.errors)")
        let json = try Self.object(same.output)
        #expect(json["identical"] as? Bool == true && (json["only_a"] as? [String])?.isEmpty == true)
        #expect((json["only_b"] as? [String])?.isEmpty == true && (json["input_ids"] as? [Int])?.count ?? 0 > 3)
        let other = try CommandLineTests.mica("compare", Self.gemma, "--dump", file, "--quirk", "caps-missing")
        #expect(other.code == 1 && other.output.contains("): model.layers.0.self_attn.scores ["))
        let wrong = try CommandLineTests.mica("compare", Self.gemma, "--dump", file, "--ids", "1,2")
        #expect(wrong.code == 2 && wrong.errors.contains("is of other tokens"))
    }

    /// A dump of a run in bf16 is held against a run in bf16, unless --a says otherwise.
    @Test func theFormatOfADumpIsChosen() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("mica-compare-\(UUID().uuidString).safetensors").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        _ = try CommandLineTests.run(["trace", Self.gemma, "--precision", "bf16", "--out", file] + Self.prompt)
        let own = try CommandLineTests.mica("compare", Self.gemma, "--dump", file, "--json")
        #expect(own.code == 0 && own.errors.contains("is of a run in bf16: A is run in that"))
        let json = try Self.object(own.output)
        #expect(json["identical"] as? Bool == true && (json["a"] as? String)?.hasSuffix(" bf16") == true)
        let given = try CommandLineTests.mica("compare", Self.gemma, "--dump", file, "--a", "fp32", "--tolerance", "1e-7")
        #expect(given.code == 1 && given.errors.isEmpty && given.output.contains("fables-gemma2 fp32"))
    }

    @Test func anotherModelSharesItsNames() throws {
        let outcome = try Self.compare("\(CommandLineTests.root)/Samples/fables-llama")
        #expect(outcome.code == 1 && outcome.output.contains("only in A") && outcome.output.contains("next token: KL mean"))
    }

    @Test(
        arguments: [
            (["compare", gemma, "--ids", "1,2"], 64, "Say what B is"), (["compare", gemma, "--b", "bf16"], 64, "--prompt TEXT or --ids"),
            (["compare", gemma, "--b", "bf17", "--ids", "1"], 64, "neither a preset"),
            (["compare", gemma, "--dump", "/nowhere.safetensors", "--b", "bf16"], 64, "B is the file alone"),
            (["compare", gemma, "--dump", "/nowhere.safetensors"], 2, "/nowhere.safetensors"),
            (["compare", gemma, "--quirk", "nonsense", "--ids", "1"], 2, "there is no quirk"),
            (["compare", gemma, "--b", "bf16", "--ids", "1", "--names", "nothing"], 2, "no value's name fits nothing"),
            (["compare", gemma, "--b", "bf16", "--ids", "1", "--tolerance", "-1"], 64, "--tolerance"),
            (["compare", gemma, "--b", "bf16", "--ids", "1", "--backward"], 2, "a loss needs two tokens"),
        ] as [([String], Int32, String)])
    func mistakesHaveTheirOwnCode(_ test: ([String], Int32, String)) throws {
        let outcome = try CommandLineTests.run(test.0)
        #expect(outcome.code == test.1 && outcome.output.isEmpty && outcome.errorLines.count == 1, "\(outcome)")
        #expect(outcome.errors.contains(test.2), "\(outcome.errors)")
    }
}
