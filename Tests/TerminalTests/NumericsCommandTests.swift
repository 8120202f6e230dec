import Foundation
import Testing

/// `mica numerics` from the shell.
struct NumericsCommandTests {
    private static let arguments = ["numerics", CommandLineTests.llama, "--prompt", "Tom and Mia"]

    @Test func everyFormHasEveryValue() throws {
        let text = try CommandLineTests.run(Self.arguments + ["--names", "layers.5.mlp"])
        #expect(text.code == 0 && text.errors.isEmpty && !text.hasControls)
        let lines = text.output.split(separator: "\n")
        #expect(lines.first?.hasPrefix("name") == true && lines.last == "every number is finite")
        let tsv = try CommandLineTests.run(Self.arguments + ["--names", "layers.5.mlp", "--tsv"]).output
        let rows = tsv.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }
        #expect(rows.count == lines.count - 1 && rows.allSatisfy { $0.count == rows[0].count })
        let json = try CommandLineTests.run(Self.arguments + ["--names", "layers.5.mlp", "--json"]).output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect((object["values"] as? [[String: Any]])?.count == rows.count - 1 && object["first_non_finite"] is NSNull)
    }

    @Test func theFirstInfinityIsExplained() throws {
        let edits = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString).edits")
        defer { try? FileManager.default.removeItem(at: edits) }
        try Data("scale model.layers.2.mlp.act_fn by 1e6\n".utf8).write(to: edits)
        let arguments = Self.arguments + ["--precision", "fp16", "--edits", edits.path]
        let text = try CommandLineTests.run(arguments)
        #expect(text.code == 0 && text.output.contains("first: model.layers.2.mlp.") && text.output.contains("which ends at 65504"))
        let json = try CommandLineTests.run(arguments + ["--json"]).output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let first = try #require(object["first_non_finite"] as? [String: Any])
        #expect((first["name"] as? String)?.hasPrefix("model.layers.2.mlp.") == true)
        #expect((first["number"] as? String)?.hasSuffix("Inf") == true)
    }

    /// Where no number is left there is no error, though the run in fp64 has none either.
    @Test func whatIsNoNumberHasNoError() throws {
        let edits = FileManager.default.temporaryDirectory.appendingPathComponent("mica-\(UUID().uuidString).edits")
        defer { try? FileManager.default.removeItem(at: edits) }
        try Data("set model.layers.2.input_layernorm.weight[3] = nan\n".utf8).write(to: edits)
        let json = try CommandLineTests.run(Self.arguments + ["--edits", edits.path, "--json"]).output
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        let values = try #require(object["values"] as? [[String: Any]])
        let errors = Dictionary(uniqueKeysWithValues: values.map { ($0["name"] as? String ?? "", $0["error"] as? Double) })
        #expect(errors["model.layers.1"] as? Double ?? 1 < 1e-4 && errors["model.norm"] == .some(nil))
    }

    @Test func gradientsAreValues() throws {
        let outcome = try CommandLineTests.run(Self.arguments + ["--backward", "--names", "grad:model.norm*", "--tsv"])
        #expect(outcome.code == 0 && outcome.output.contains("grad:model.norm.weight\tfp32"))
    }

    @Test func switchesAreTimed() throws {
        let outcome = try CommandLineTests.mica("bench", CommandLineTests.llama, "--work", "switch", "--tokens", "8", "--json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        let switches = try #require(object["switches"] as? [[String: Any]])
        #expect(switches.count == 8 && switches.allSatisfy { ($0["first_ms"] as? Double ?? 0) > 0 })
        #expect(switches.allSatisfy { ($0["all_ms"] as? Double ?? 0) >= ($0["first_ms"] as? Double ?? 1) })
    }
}
