import Foundation
import Models
import Testing

/// Quirks from the shell.
struct QuirkCommandTests {
    private static let gemma = "\(CommandLineTests.root)/Samples/fables-gemma2"

    @Test func quirksAreListed() throws {
        let all = try CommandLineTests.mica("quirks")
        #expect(all.code == 0 && all.errors.isEmpty && !all.hasControls)
        for quirk in Quirk.all { #expect(all.output.contains("\(quirk.name)  \(quirk.title)\n")) }
        let own = try CommandLineTests.mica("quirks", Self.gemma, "--json").output
        let list = try #require(try JSONSerialization.jsonObject(with: Data(own.utf8)) as? [[String: String]])
        let names = list.compactMap { $0["name"] }
        #expect(names.contains("caps-missing") && !names.contains("scores-unscaled"))
        #expect(list.allSatisfy { Set($0.keys) == ["name", "title", "story", "first", "source"] })
    }

    @Test(arguments: ["trace", "generate", "stats", "numerics", "gradcheck", "patch", "heads", "bench"])
    func everyCommandThatRunsAModelTakesThem(_ command: String) throws {
        #expect(try CommandLineTests.mica(command, "--help").output.contains("--quirk <name>"))
    }

    @Test(arguments: [("causal-off-by-one", "attn.scores"), ("gelu-exact", "mlp.act_fn"), ("bos-missing", "embed_tokens")])
    func theRunIsAnother(_ quirk: String, _ part: String) throws {
        let prompt = ["stats", Self.gemma, "--prompt", "Tom and Mia", "--names", "*layers.0*\(part)*", "--tsv"]
        let pattern = part == "embed_tokens" ? ["stats", Self.gemma, "--prompt", "Tom and Mia", "--names", part, "--tsv"] : prompt
        let (off, on) = (try CommandLineTests.run(pattern), try CommandLineTests.run(pattern + ["--quirk", quirk]))
        #expect(off.code == 0 && on.code == 0 && off.output != on.output && !off.output.isEmpty)
    }

    @Test func severalAreGivenOneByOne() throws {
        let arguments = ["stats", Self.gemma, "--prompt", "There was once a", "--names", "logits", "--tsv", "--quirk", "caps-missing"]
        let one = try CommandLineTests.run(arguments).output
        #expect(try CommandLineTests.run(arguments + ["--quirk", "gelu-exact"]).output != one)
    }

    @Test(arguments: [("nonsense\u{1B}[2J", "there is no quirk 'nonsense<0x1B>[2J'"), ("scores-unscaled", "is not of this Gemma-2")])
    func mistakesTakeOneLine(_ quirk: String, _ says: String) throws {
        let outcome = try CommandLineTests.mica("stats", Self.gemma, "--ids", "1,2", "--quirk", quirk)
        #expect(outcome.code == 1 && outcome.output.isEmpty && outcome.errorLines.count == 1 && !outcome.hasControls)
        #expect(outcome.errors.contains(says), "\(outcome.errors)")
    }
}
