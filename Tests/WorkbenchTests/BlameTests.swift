import Engine
import Foundation
import Screen
import Testing
import Workbench

/// Blame and `:why` by keys and commands.
@Suite struct BlameTests {
    private static let prompt = "Tom and Mia went"

    @Test(arguments: [Size(60, 16), Size(80, 24), Size(160, 48)]) func opsAreListedWorstFirst(_ size: Size) throws {
        var harness = Harness.open(prompt: Self.prompt, size: size)
        let before = CommandScript.hashes(harness.session)
        harness.command("blame bf16")
        let state = try #require(harness.session.blame)
        #expect(!state.isRunning && state.blame.entries.count == state.total && state.total > 100 && state.titles == ["bf16", "fp32"])
        #expect(harness.session.busy == nil && CommandScript.hashes(harness.session) == before)
        let worst = try #require(state.blame.sorted.first)
        #expect(
            harness.text.contains("Blame: bf16 against fp32") && (size.width < 80 || harness.text.contains("█"))
                && harness.text.contains("\(state.total) of \(state.total)"))
        #expect(harness.text.contains(Numbers.compact(worst.alone.nmse)) && harness.text.contains("alone low"))
        harness.keys("j")
        #expect(harness.session.overlay == .blame(selection: 1))
        harness.keys("Enter")
        #expect(harness.selected == state.values[state.blame.sorted[1].name] && harness.session.overlay == nil)
    }

    @Test func byKindAndByLayer() throws {
        var harness = Harness.open(prompt: Self.prompt, size: Size(120, 40))
        harness.command("blame fp8e4m3 kind")
        #expect(
            harness.session.blame?.blame.entries.map(\.name).contains("linear") == true && harness.session.blame?.titles[0] == "fp8e4m3")
        harness.keys("q")
        harness.command("blame layer")
        #expect(harness.session.blame?.blame.entries.map(\.name).contains("layer 3") == true && harness.text.contains("layer 3"))
        harness.command("blame bf17")
        #expect(harness.session.message?.text.contains("bf17 is neither a preset") == true)
    }

    @Test func itCanBeStoppedAndKeepsWhatItHas() throws {
        var harness = Harness.open(prompt: Self.prompt)
        harness.command("blame bf16", ops: 3)
        harness.keys("C-c")
        let state = try #require(harness.session.blame)
        #expect(!state.isRunning && harness.session.busy == nil)
    }

    /// The fewest values that must stay wide are listed with what was measured, put into the run, and saved as a file that does the same.
    @Test func keepWithin() throws {
        let file = NSTemporaryDirectory() + "mica-\(UUID().uuidString).policy"
        defer { try? FileManager.default.removeItem(atPath: file) }
        var harness = Harness.open(prompt: Self.prompt, size: Size(120, 40))
        let before = CommandScript.hashes(harness.session)
        harness.command("blame keep-within kl<1e-6 bf16")
        let state = try #require(harness.session.kept)
        #expect(!state.isRunning && !state.isCutShort && state.done == state.total && state.holds && !state.kept.isEmpty)
        #expect(state.kept.count < state.total / 2 && state.effect.kl < 1e-6 && state.verified == state.effect)
        #expect(harness.text.contains("Keep within kl<1e-06") && harness.text.contains("\(state.kept.count) of \(state.total) values"))
        #expect(harness.text.contains("✓ keeps to it") && harness.text.contains(Numbers.compact(state.effect.kl)))
        // The same on the smallest screen.
        harness.resize(Size(60, 16))
        #expect(harness.text.contains("✓ keeps to it") && harness.text.contains("must be fp32, the rest bf16"))
        harness.resize(Size(120, 40))
        #expect(CommandScript.hashes(harness.session) == before)
        harness.keys("j Enter")
        #expect(harness.session.overlay == nil && harness.selected == state.kept[1].name)
        harness.command("blame save \(file)")
        guard case .write(let text, let path)? = harness.effects.last else {
            Issue.record("nothing is written")
            return
        }
        #expect(path == file && text.hasPrefix("# bf16, and in the formats of fp32 the \(state.kept.count) of"))
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        harness.command("blame apply")
        let applied = CommandScript.hashes(harness.session)
        #expect(applied != before)
        harness.command("precision own")
        #expect(CommandScript.hashes(harness.session) == before)
        harness.command("precision \(file)")
        #expect(CommandScript.hashes(harness.session) == applied)
    }

    /// The other way round: what may go down to fp8 from bf16.
    @Test func whatMayGoDown() throws {
        var harness = Harness.open(prompt: Self.prompt, size: Size(80, 24))
        harness.command("blame keep-within kl<0.02 fp8e4m3 bf16")
        let state = try #require(harness.session.kept)
        #expect(state.holds && state.kept.count < state.total && state.titles[1] == "bf16" && harness.text.contains("must be bf16"))
    }

    @Test func aSearchIsStopped() throws {
        var harness = Harness.open(prompt: Self.prompt)
        harness.command("blame apply")
        #expect(harness.session.message?.text.contains("nothing was searched yet") == true)
        harness.command("blame keep-within kl<1e-6 bf16", ops: 30)
        #expect(harness.session.kept?.isRunning == true && harness.text.contains("are still fp32"))
        harness.keys("C-c")
        let state = try #require(harness.session.kept)
        #expect(!state.isRunning && state.isCutShort && harness.session.busy == nil && harness.text.contains("fewer may do"))
        for (line, says) in [("blame keep-within", "within what?"), ("blame keep-within loss<1", "is no tolerance")] {
            harness.keys("q")
            harness.command(line)
            #expect(harness.session.message?.text.contains(says) == true)
        }
        harness.command("blame keep-within nmse<1e-30 bf16")
        #expect(harness.session.message?.text.contains("even if all is high") == true)
    }

    /// One key goes from any screen to the element at which it began.
    @Test func whyGoesToTheFirstBadNumber() throws {
        var harness = Harness.open(prompt: Self.prompt, size: Size(100, 40))
        harness.keys("W")
        #expect(harness.session.message?.text.contains("every number is what its op gives") == true)
        harness.command("quirk rope-tables-bf16")
        harness.keys("W")
        #expect(harness.selected == "model.rotary_emb.cos" && harness.text.contains("its table format is bf16 and should be fp32"))
        harness.keys("q")
        harness.command("quirk rope-tables-bf16 off")
        harness.command("set model.layers.2.mlp.act_fn[1, 7] = nan")
        harness.command("goto logits")
        harness.keys("W")
        #expect(harness.selected == "model.layers.2.mlp.act_fn" && harness.session.cursorIndex == [1, 7])
        #expect(harness.text.contains("it was set by hand") && harness.text.contains("Why: "))
        harness.keys("Esc u")
        #expect(harness.selected == "lm_head")
    }

    /// A bad gradient goes back to where it was made, too.
    @Test func whyBackward() throws {
        var harness = Harness.open(prompt: Self.prompt, size: Size(100, 40))
        harness.command("backward end")
        harness.command("precision grad:model.layers.1.mlp.product fp4e2m1, kernel reference")
        harness.keys("W")
        #expect(harness.session.message?.text.contains("every number is what its op gives") == true)
        harness.command("set model.layers.3.mlp.product[0, 3] = inf")
        harness.keys("W")
        #expect(harness.selected == "model.layers.3.mlp.product")
    }
}
