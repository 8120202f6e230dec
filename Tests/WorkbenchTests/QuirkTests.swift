import Engine
import Foundation
import Models
import Screen
import Testing
import Workbench

/// Quirks by keys and commands.
@Suite struct QuirkTests {
    private static func harness(_ name: String = "fables-gemma2", size: Size = Size(100, 40)) -> Harness {
        var harness = Harness(size: size)
        harness.command("open \(Harness.root)/Samples/\(name)")
        return harness
    }

    @Test func aQuirkIsSwitchedByKeysAndBack() throws {
        var harness = Self.harness()
        let before = CommandScript.hashes(harness.session)
        harness.keys("Q")
        #expect(harness.text.contains("gelu-exact") && harness.text.contains("window-ignored") && !harness.text.contains("scores-unscaled"))
        let listed = try #require(harness.session.model?.applicableQuirks.map(\.name))
        for _ in 0..<(try #require(listed.firstIndex(of: "gelu-exact"))) { harness.keys("j") }
        #expect(harness.text.contains("the tanh form; config.json said"))
        harness.keys("Space")
        #expect(harness.session.quirks.on == ["gelu-exact"])
        #expect(harness.text.contains("✗ gelu-exact") && harness.text.contains("steps again") && harness.text.contains("✗1"))
        let after = CommandScript.hashes(harness.session)
        #expect(before != after)
        harness.keys("Enter")
        #expect(harness.session.quirks.on == [] && CommandScript.hashes(harness.session) == before)
        #expect(!harness.text.contains("✗1"))
        harness.keys("q")
        #expect(harness.session.overlay == nil)
    }

    @Test func onlyWhatFollowsIsComputedAgainAndMarked() throws {
        var harness = Self.harness()
        let plain = try #require(harness.snapshot?.stepper)
        harness.command("quirk caps-missing")
        let quirky = try #require(harness.snapshot?.stepper)
        let first = try #require(try FirstDifference(plain, quirky))
        #expect(first.name == "model.layers.0.self_attn.scores")
        harness.command("goto model.layers.2.self_attn.scores")
        #expect(harness.text.contains("✗ neither scores nor logits are capped"))
        #expect(harness.text.contains("scores ✗"))
        harness.command("goto model.layers.2.self_attn.probs")
        #expect(!harness.text.contains("✗ neither scores"))
        harness.command("quirk caps-missing off")
        harness.command("quirk caps-missing off")
        #expect(harness.session.quirks.on.isEmpty)
        #expect(try FirstDifference(plain, try #require(harness.snapshot?.stepper)) == nil)
    }

    /// Other tokens begin anew; the prompt is read by the quirk once, however often it is begun.
    @Test func quirksOfTheTokens() throws {
        var harness = Self.harness()
        let ids = try #require(harness.snapshot?.ids)
        let before = CommandScript.hashes(harness.session)
        harness.command("quirk bos-doubled")
        #expect(harness.snapshot?.ids == [ids[0]] + ids)
        #expect(harness.snapshot?.stepper.isFinished == true)
        harness.command("restart")
        #expect(harness.snapshot?.ids == [ids[0]] + ids)
        harness.command("quirk bos-doubled off")
        #expect(harness.snapshot?.ids == ids && CommandScript.hashes(harness.session) == before)
        harness.command("quirk bos-missing")
        #expect(harness.snapshot?.ids == Array(ids.dropFirst()))
        harness.command("goto input_ids")
        #expect(harness.text.contains("✗ the text begins without"))
    }

    /// With edits, new tokens and the way back at work.
    @Test func amongEditsTokensAndGradients() throws {
        var harness = Self.harness()
        harness.command("knock-out L1H2")
        harness.keys("> >")
        let before = CommandScript.hashes(harness.session)
        harness.command("quirk cache-position-off-by-one")
        #expect(harness.snapshot?.past ?? 0 > 0 && CommandScript.hashes(harness.session) != before)
        harness.command("quirk window-plus-one")
        #expect(harness.session.quirks.on == ["window-plus-one", "cache-position-off-by-one"])
        #expect(harness.session.edits.items.count == 1)
        harness.command("quirk window-plus-one off")
        harness.command("quirk cache-position-off-by-one off")
        #expect(CommandScript.hashes(harness.session) == before)
        harness.keys("< <")
        harness.command("backward end")
        let walked = CommandScript.hashes(harness.session)
        harness.command("quirk gelu-exact")
        #expect(harness.snapshot?.stepper.isFinished == true && CommandScript.hashes(harness.session) != walked)
        harness.command("quirk gelu-exact")
        #expect(CommandScript.hashes(harness.session) == walked)
    }

    @Test(arguments: [
        ("quirk", "which one?"), ("quirk gelu", "there is no quirk 'gelu'"), ("quirk scores-unscaled", "is not of this Gemma-2"),
        ("quirk gelu-exact maybe", "there are on, off"),
    ])
    func mistakesAreSaidAndChangeNothing(_ line: String, _ says: String) {
        var harness = Self.harness()
        let hashes = CommandScript.hashes(harness.session)
        harness.command(line)
        #expect(harness.session.message?.text.contains(says) == true && harness.session.message?.kind == .error)
        #expect(CommandScript.hashes(harness.session) == hashes && harness.session.quirks.on.isEmpty)
    }

    /// Under another precision the cast errors are those of narrow runs; taken back in the other order, the old bits are there.
    @Test func amongFormats() throws {
        var harness = Self.harness()
        let before = CommandScript.hashes(harness.session)
        harness.command("precision bf16")
        let narrow = CommandScript.hashes(harness.session)
        harness.command("quirk norm-cast-early")
        #expect(CommandScript.hashes(harness.session) != narrow && harness.snapshot?.stepper.isFinished == true)
        harness.command("precision own")
        harness.command("quirk norm-cast-early")
        #expect(CommandScript.hashes(harness.session) == before)
    }

    /// A finetune that is begun on the screen has the quirks and the formats that are on there, writes them down and says so.
    @Test func aFinetuneHasThem() throws {
        var harness = Self.harness("fables-llama", size: Size(160, 48))
        harness.command("quirk rope-tables-bf16")
        harness.command("precision bf16")
        let folder = NSTemporaryDirectory() + "mica-quirky-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        harness.command("finetune \(Harness.root)/Samples/pirate.txt out=\(folder) steps=1 sequence-length=16 batch-size=1")
        let settings = try #require(harness.session.training?.settings)
        #expect(settings.quirks == "rope-tables-bf16" && settings.precision == "bf16")
        let notes = harness.session.training?.notes.map(\.text) ?? []
        #expect(notes.contains { $0.hasPrefix("quirk rope-tables-bf16: ") } && notes.contains { $0.contains("are in bf16; weights") })
        #expect(harness.text.contains("quirk rope-tables-bf16"))
        let written = try String(contentsOfFile: folder + "/run.json", encoding: .utf8)
        #expect(written.contains("\"quirk\": \"rope-tables-bf16\"") && written.contains("\"precision\": \"bf16\""))
        harness.command("quirk rope-tables-bf16")
        #expect(harness.session.message?.text.contains("leave the finetune") == true)
    }

    /// What needs other shapes begins anew, and the old bits come back; where the sizes do not allow it, nothing changes.
    @Test func otherShapesBeginAnew() throws {
        var harness = Self.harness()
        let before = CommandScript.hashes(harness.session)
        harness.command("quirk head-dim-derived")
        #expect(harness.snapshot?.stepper.isFinished == true && harness.session.quirks.on == ["head-dim-derived"])
        let program = try #require(harness.snapshot?.stepper.program)
        #expect(program.values[try #require(program.id(of: "model.layers.0.self_attn.q"))].shape.counts.last == 16)
        harness.command("goto model.rotary_emb.inv_freq")
        #expect(harness.text.contains("✗ head_dim is taken for hidden / heads"))
        for page in PageCatalogue.all {
            harness.screen(page.id)
            _ = harness.draw()
        }
        harness.command("quirk head-dim-derived off")
        harness.command("quirk head-untied")
        #expect(CommandScript.hashes(harness.session) != before)
        harness.command("quirk head-untied off")
        #expect(CommandScript.hashes(harness.session) == before)
    }

    /// Another model begins without quirks, and lists its own.
    @Test func anotherModelHasItsOwn() {
        var harness = Self.harness(size: Size(80, 24))
        harness.command("quirk gelu-exact")
        harness.command("open \(Harness.root)/Samples/fables-gpt2")
        #expect(harness.session.quirks.on.isEmpty)
        harness.keys("Q")
        #expect(harness.text.contains("scores-unscaled") && !harness.text.contains("gelu-exact"))
    }
}
