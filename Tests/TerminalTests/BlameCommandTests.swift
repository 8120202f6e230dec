import Foundation
import Testing

/// `mica blame` from the shell.
struct BlameCommandTests {
    private static func object(_ arguments: [String]) throws -> [String: Any] {
        let outcome = try CommandLineTests.run(arguments)
        #expect(outcome.code == 0, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
    }

    private static let start = ["blame", CommandLineTests.llama, "--prompt", "Tom and Mia", "--precision", "bf16"]

    @Test func opsAreListed() throws {
        let text = try CommandLineTests.run(Self.start + ["--top", "7"])
        #expect(text.code == 0 && text.errors.isEmpty && !text.hasControls)
        #expect(text.output.contains("all bf16") && text.output.contains("█") && text.output.contains("more"))
        let json = try Self.object(Self.start + ["--json"])
        let ops = try #require(json["ops"] as? [[String: Any]])
        #expect(ops.count > 100 && Set(ops[0].keys) == ["name", "kind", "layer", "lifted", "alone"])
        let kinds = try #require(try Self.object(Self.start + ["--by", "kind", "--json"])["ops"] as? [[String: Any]])
        #expect(kinds.contains { $0["name"] as? String == "linear" })
    }

    @Test func aPolicyIsFoundWrittenAndRead() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("mica-blame-\(UUID().uuidString).policy")
        defer { try? FileManager.default.removeItem(at: file) }
        let json = try Self.object(Self.start + ["--keep-within", "nmse<1e-6", "--out", file.path, "--json"])
        #expect(json["holds"] as? Bool == true && json["cut_short"] as? Bool == false)
        let kept = try #require(json["kept"] as? [String])
        let text = try String(contentsOf: file, encoding: .utf8)
        #expect(!kept.isEmpty && kept.allSatisfy { text.contains("=\($0) fp32") } && text.hasPrefix("# bf16"))
        #expect((json["searched"] as? [String: Double]) == (json["verified"] as? [String: Double]))
        let stats = try CommandLineTests.run(["stats", CommandLineTests.llama, "--prompt", "Tom and Mia", "--precision", file.path])
        #expect(stats.code == 0)
        let fp8 = try CommandLineTests.run(Self.start.dropLast() + ["fp8e4m3", "--high", "bf16", "--keep-within", "kl<0.05"])
        #expect(fp8.code == 0 && fp8.output.contains("must stay as bf16") && fp8.output.contains("the policy keeps to it"))
    }

    @Test(arguments: [
        (["--keep-within", "loss<1"], "is no tolerance"), (["--by", "op", "--top", "0"], "--top must be"),
        (["--out", "x"], "--out needs --keep-within"),
        (["--keep-within", "nmse<1e-30"], "even if all is high"), (["--by", "head"], "--by must be"),
    ])
    func mistakesAreSaid(_ words: [String], _ says: String) throws {
        let outcome = try CommandLineTests.run(Self.start + words)
        #expect(outcome.code != 0 && outcome.output.isEmpty && outcome.errors.contains(says), "\(outcome.errors)")
    }
}
