import Engine
import Models
import Screen
import Tensors
import Testing
import Workbench

/// Formats switched while a model is open.
@Suite struct PrecisionTests {
    private static let norm = "model.layers.2.input_layernorm"

    @Test func aKeyRoundsTheSelectedValueAndWhatFollowsItAlone() throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("goto \(Self.norm)")
        harness.keys("P P")
        #expect(harness.snapshot?.stepper.isFinished == true)
        let after = try harness.hashes()
        #expect(try after == Harness.fresh("=\(Self.norm) bf16"))
        let stepper = try #require(harness.snapshot?.stepper)
        let step = try #require(stepper.program.id(of: Self.norm).flatMap { stepper.program.values[$0].step })
        for earlier in stepper.program.steps[..<step] {
            let name = stepper.program.values[earlier.output].name
            #expect(before[name] == after[name], "\(name)")
        }
        #expect(stepper.choices[step].format == .bf16 && stepper.choices.count { !$0.isOwn } == 1)
        #expect(before["lm_head"] != after["lm_head"])
        let text = harness.text
        #expect(text.contains("≠bf16"))
        #expect(text.contains("≠ loss") && text.contains("steps again"))
        for _ in 0..<5 { harness.keys("P") }
        #expect(try harness.hashes() == before)
        #expect(harness.snapshot?.stepper.choices.allSatisfy(\.isOwn) == true)
        #expect(harness.text.contains("= the model's own  loss") && !harness.text.contains("≠"))
        harness.keys("h l")
        #expect(!harness.text.contains("≠fp") && !harness.text.contains("≠bf16"))
        // Nothing is left that would be counted as a change.
        #expect(harness.snapshot?.stepper.policy.live.isEmpty == true)
        #expect(RunLine.label(harness.session).hasSuffix("tokens  fp32"))
    }

    /// Back to the model's own format, the rest of what a rule says of the value stays.
    @Test func aKeyBackKeepsTheKernel() throws {
        var harness = Harness.open()
        harness.command("goto \(Self.norm)")
        harness.command("kernel reference")
        for _ in 0..<7 { harness.keys("P") }
        let live = try #require(harness.snapshot?.stepper.policy.live)
        #expect(live.map(\.description) == ["=\(Self.norm) kernel reference"])
    }

    /// Keys that come before the first one's run is done are not lost.
    @Test func keysInABurstAreCounted() throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("goto \(Self.norm)")
        harness.burst("P P")
        #expect(harness.snapshot?.stepper.policy.live.map(\.description) == ["=\(Self.norm) bf16"])
        let names = try #require(harness.snapshot.map { run in run.stepper.program.id(of: Self.norm).map(run.stepper.kernelNames) ?? [] })
        harness.burst("K P K")
        #expect(harness.snapshot?.stepper.policy.live.map(\.description) == ["=\(Self.norm) fp16", "=\(Self.norm) kernel \(names[2])"])
        harness.command("precision own")
        harness.keys("Q")
        harness.burst("Space Space")
        #expect(harness.session.quirks.on.isEmpty)
        #expect(try harness.hashes() == before)
    }

    /// A pattern that means nothing changes nothing, and says so; in a file it is told with its line.
    @Test(arguments: ["precision bf16 *.nothing", "kernel naive *.nothing", "precision bf16 @LayerNorm"])
    func aRuleThatFitsNothingIsRefused(_ command: String) throws {
        var harness = Harness.open()
        harness.command(command)
        let message = try #require(harness.session.message)
        #expect(message.kind == .error && message.text.contains("no value of this model is meant by"), "\(message.text)")
        #expect(harness.snapshot?.stepper.policy.live.isEmpty == true)
    }

    @Test func aFormatAloneIsForEverything() throws {
        var harness = Harness.open()
        harness.command("precision fp8e4m3")
        #expect(try harness.hashes() == Harness.fresh("* fp8e4m3"))
        harness.command("precision nowhere")
        #expect(harness.session.message?.text.contains("nowhere is neither a preset (fp64, ") == true)
    }

    /// The end of a long message says what to do: it takes the rows it needs.
    @Test func aLongErrorIsReadToItsEnd() throws {
        var harness = Harness.open(size: Size(80, 24))
        harness.command("precision bf17 *.mlp.*")
        harness.command("precision *.mlp.* bf17")
        let message = try #require(harness.session.message)
        #expect(message.kind == .error && message.text.hasSuffix("int8, nf4"))
        let rows = harness.text.split(separator: "\n", omittingEmptySubsequences: false).suffix(4).joined(separator: " ")
        #expect(rows.contains("there is no format bf17") && rows.contains("int8, nf4"), "\(rows)")
        harness.keys("j")
        #expect(!harness.text.contains("nf4"))
    }

    /// A loss whose three decimals stay is shown with how far it moved, or that it did not.
    @Test func aSmallEffectIsSaid() throws {
        var harness = Harness.open()
        harness.command("precision tf32 lm_head")
        let text = try #require(harness.session.message?.text)
        #expect(text.firstMatch(of: #/loss [0-9.]+ [+-]0\.000[0-9]+  next/#) != nil, "\(text)")
        harness.command("kernel reference model.embed_tokens")
        #expect(harness.session.message?.text.contains(" as before  next") == true, "\(harness.session.message?.text ?? "")")
    }

    @Test func onlyWhatLiesDownstreamRunsAgain() throws {
        var harness = Harness.open()
        let total = try #require(harness.snapshot?.stepper.program.steps.count)
        harness.command("precision fp16 lm_head")
        #expect(harness.session.message?.text.contains("3 of \(total) steps again") == true, "\(harness.session.message?.text ?? "")")
    }

    @Test(arguments: ["bf16", "fp16", "tf32", "autocast-bf16", "mixed"]) func aPresetIsTheRunThatBeganWithIt(_ preset: String) throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("precision \(preset)")
        let after = try harness.hashes()
        #expect(try after == Harness.fresh(preset))
        #expect(after != before)
        #expect(RunLine.label(harness.session).hasSuffix("fp32 ≠\(preset)"))
        harness.command("precision own")
        #expect(try harness.hashes() == before)
        #expect(RunLine.label(harness.session).hasSuffix("tokens  fp32"))
    }

    /// Numbers are shown as they come: what has been computed again is new, what follows is not there yet, and nothing of the old run stands
    /// behind it.
    @Test func aLongSwitchIsShownAsItGrows() throws {
        let box = Snapshots()
        var state = EngineState(policy: Policy(threads: 1), budget: 1 << 30) { if case .snapshot(let new) = $0 { box.all.append(new) } }
        state.handle(.open(path: Harness.Sample.llama.path))
        state.handle(.prompt(ids: Array(1...24)))
        state.handle(.run(.end))
        while state.isRunning { state.advance { false } }
        let before = try #require(box.all.last)
        box.all = []
        state.handle(.precision(.replace(try Policy.rules(from: "* fp64"))))
        let last = try #require(box.all.last)
        #expect(box.all.count > 1 && last.run == before.run + 1 && !last.isRunning)
        for partial in box.all.dropLast() {
            let known = partial.stepper.program.steps.map { partial.stepper.statistics($0.output)?.hash }
            let end = known.firstIndex(of: nil) ?? known.count
            #expect(partial.run == last.run && end > 0 && known[end...].allSatisfy { $0 == nil })
            #expect(partial.renewal.map { [$0.done, $0.total] } == [end, known.count])
            let final = partial.stepper.program.steps[..<end].map { last.stepper.statistics($0.output)?.hash }
            #expect(Array(known[..<end]) == final)
        }
        // A value that waits says so, and the line below how far the run has come.
        var session = Session(size: Size(120, 36))
        _ = session.update(.engine(.opened(try Model(path: Harness.Sample.llama.path))))
        _ = session.update(.engine(.snapshot(before)))
        let partial = try #require(box.all.first)
        _ = session.update(.engine(.snapshot(partial)))
        let status = Drawing.draw(session).text.split(separator: "\n").first { $0.contains("is computed again") }
        #expect(status?.contains("▶ again \(partial.renewal?.done ?? 0)/") == true)
    }

    private final class Snapshots {
        var all: [RunSnapshot] = []
    }

    @Test func weightsAndPatternsAreRounded() throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command("precision fp8e4m3 *.mlp.*.weight")
        harness.command("precision *.2.mlp bf16, kernel reference")
        #expect(try harness.hashes() == Harness.fresh("*.mlp.*.weight fp8e4m3\n*.2.mlp bf16, kernel reference"))
        harness.command("goto model.layers.0.mlp.up_proj.weight")
        #expect(harness.text.contains("≠fp8e4m3"))
        harness.keys("P")
        #expect(harness.text.contains("≠fp8e5m2"))
        harness.command("precision own")
        #expect(try harness.hashes() == before)
    }

    /// Later tokens read caches that earlier passes have made.
    @Test func laterTokensFollow() throws {
        var harness = Harness.open()
        harness.keys("> >")
        let before = try harness.hashes()
        harness.command("precision bf16 model.layers.1.self_attn.k_rope")
        #expect(try harness.hashes()["lm_head"] != before["lm_head"])
        var other = Harness.open()
        other.command("precision bf16 model.layers.1.self_attn.k_rope")
        other.keys("> >")
        #expect(harness.snapshot?.ids == other.snapshot?.ids)
        #expect(try harness.hashes() == other.hashes())
        harness.command("precision own")
        #expect(try harness.hashes() == before)
    }

    @Test(arguments: [
        ("precision bf17", "bf17 is neither a preset"), ("precision *.mlp bf17", "there is no format bf17"),
        ("precision bf16 @norm", "there is no op @norm"),
    ])
    func mistakesAreSaid(_ line: String, _ words: String) throws {
        var harness = Harness.open()
        let before = try harness.hashes()
        harness.command(line)
        #expect(harness.session.message?.kind == .error && harness.session.message?.text.contains(words) == true)
        #expect(try harness.hashes() == before)
    }
}
