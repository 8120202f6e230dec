import Engine
import Foundation
import Models
import Screen
import Testing
import Training

@testable import Workbench

/// An adapter that is weakened, switched off, merged and taken away while the model is looked at.
@Suite struct AdapterTests {
    /// A folder with an adapter after a few steps, made once.
    static let folder: String = {
        let folder = NSTemporaryDirectory() + "mica-adapter-\(UUID().uuidString)"
        var harness = Harness.open(prompt: "Tom and Mia")
        harness.command(
            "finetune \(Harness.root)/Samples/pirate.txt out=\(folder) sequence-length=24 batch-size=2 lr=0.01 seed=3 rank=4 steps=3")
        return folder + "/step-3"
    }()

    private static func harness(_ lines: String..., loaded: Bool = true, size: Size = Size(80, 24)) -> Harness {
        var harness = Harness.open(prompt: "Tom and Mia went to the", size: size)
        if loaded { harness.command("adapter load \(folder)") }
        for line in lines { harness.command(line) }
        return harness
    }

    private static func hashes(_ harness: Harness) -> [String] { CommandScript.hashes(harness.session) }

    private static func logits(_ harness: Harness) throws -> [Float] { try #require(try harness.snapshot?.stepper.lastLogits()) }

    private static func report(_ harness: Harness) throws -> EditReport { try #require(harness.session.adapter?.report) }

    // MARK: modes

    /// What is carried over is what a fresh run computes, value by value; and going back gives the first bits.
    @Test(arguments: ["adapter scale 0.5", "adapter scale -1", "adapter off", "adapter merge", "adapter unload"])
    func aModeIsAFreshRunAndIsUndone(_ line: String) throws {
        var harness = Self.harness()
        let before = Self.hashes(harness)
        harness.command(line)
        #expect(harness.session.message?.kind != .error && Self.hashes(harness) != before)
        var fresh = Self.harness(line)
        fresh.command("restart")
        fresh.command("run")
        #expect(fresh.session.adapter?.report == nil)
        #expect(Self.hashes(harness) == Self.hashes(fresh))
        harness.command("adapter undo")
        #expect(Self.hashes(harness) == before && harness.session.adapter?.mode == AdapterMode())
        harness.command(line)
        harness.command("adapter on")
        #expect(Self.hashes(harness) == before)
    }

    @Test func withoutItTheBaseIsThere() throws {
        let base = Self.harness(loaded: false)
        var harness = Self.harness()
        #expect(try Self.logits(harness) != Self.logits(base))
        harness.command("adapter off")
        #expect(try Self.logits(harness) == Self.logits(base))
        harness.command("adapter unload")
        #expect(Self.hashes(harness) == Self.hashes(base))
        harness.command("adapter undo")
        harness.command("adapter undo")
        harness.command("adapter merge")
        let (merged, beside) = (try Self.logits(harness), try Self.logits(Self.harness()))
        #expect(merged != beside)
        #expect(zip(merged, beside).allSatisfy { abs($0 - $1) < 1e-3 })
        for _ in 0..<2 { harness.command("adapter undo") }
        #expect(harness.session.adapter == nil && Self.hashes(harness) == Self.hashes(base))
        harness.command("adapter undo")
        #expect(harness.session.message?.text.contains("nothing was changed") == true)
    }

    /// Only what lies downstream runs again: everything before the first matrix's sum stays.
    @Test func onlyWhatFollowsIsComputedAgain() throws {
        let harness = Self.harness("adapter scale 0.5")
        let program = try #require(harness.snapshot?.stepper.program)
        let first = try #require(program.steps.firstIndex { $0.op is AddScaled })
        let report = try Self.report(harness)
        #expect(report.steps <= program.steps.count - first && report.steps > program.steps.count / 2)
        // The factors' products in the first layer do not depend on the strength.
        let kept = Set(Self.hashes(Self.harness())).intersection(Self.hashes(harness))
        for part in ["model.embed_tokens", "model.layers.0.self_attn.v_proj.base_layer", "model.layers.0.self_attn.v_proj.lora_B"] {
            #expect(kept.contains { $0.contains(" \(part) ") }, "\(part)")
        }
        #expect(!kept.contains { $0.contains(" model.layers.0.self_attn.v_proj ") })
    }

    @Test(arguments: [
        ["knock-out L3H5", "zero model.layers.2.mlp[token 2]"], ["next-token", "next-token"], ["backward end"], ["backward step 40"],
    ])
    func editsTokensAndTheReverseWalkGoAlong(_ lines: [String]) throws {
        var (first, last) = (Self.harness(), Self.harness("adapter scale 0.9"))
        for line in lines { first.command(line) }
        first.command("adapter scale 0.9")
        for line in lines { last.command(line) }
        #expect(first.session.message?.kind != .error)
        #expect(first.snapshot?.ids == last.snapshot?.ids && Self.hashes(first) == Self.hashes(last))
        let cursor = first.snapshot?.stepper.cursor
        #expect(cursor == last.snapshot?.stepper.cursor)
        first.command("adapter merge")
        #expect(first.session.message?.kind != .error && first.draw().size == Size(80, 24))
    }

    @Test func theSelectionKeepsItsName() {
        var harness = Self.harness("goto model.layers.4.mlp.up_proj")
        for (line, name) in [("adapter unload", "model.layers.4.mlp.up_proj"), ("adapter undo", "model.layers.4.mlp.up_proj")] {
            harness.command(line)
            #expect(harness.selected == name)
        }
        harness.command("goto model.layers.4.mlp.up_proj.lora_A")
        harness.command("adapter merge")
        #expect(harness.selected == "model.layers.4.mlp.up_proj")
    }

    // MARK: effect

    /// The bars are the distance between two runs that know nothing of each other.
    @Test(arguments: ["adapter on", "adapter scale 0.5", "adapter merge"])
    func theEffectIsTheDistanceOfTwoRuns(_ line: String) throws {
        var harness = Self.harness(line, "adapter", size: Size(160, 48))
        guard case .adapterEffect(let effect)? = harness.session.answers[.adapterEffect] else {
            Issue.record("the effect has not come")
            return
        }
        let base = Self.harness(loaded: false)
        #expect(effect.layers.map(\.name) == ["emb"] + (0..<6).map { "L\($0)" } && effect.layers[0].change == 0)
        for layer in 0..<6 {
            let read = { (harness: Harness) -> [Double] in
                let stepper = try #require(harness.snapshot?.stepper)
                return try #require(try stepper.program.id(of: "model.layers.\(layer)").flatMap { try stepper.tensor($0) }).doubles()
            }
            let (with, without) = (try read(harness), try read(base))
            let change = zip(with, without).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let wanted = (change / without.reduce(0) { $0 + $1 * $1 }).squareRoot()
            #expect(wanted > 0 && abs(effect.layers[layer + 1].change / wanted - 1) < 1e-4)
            #expect(harness.text.contains(Numbers.compact(effect.layers[layer + 1].change)))
        }
        #expect((effect.parts == nil) == (line == "adapter merge"))
        harness.keys("q")
        #expect(harness.session.overlay == nil)
    }

    @Test func theBoxHasKeys() {
        var harness = Self.harness("adapter")
        for (key, mode) in [
            ("-", AdapterMode(strength: 0.75)), ("+", AdapterMode()), ("o", AdapterMode(strength: 0)), ("o", AdapterMode()),
            ("m", AdapterMode(place: .merged)), ("u", AdapterMode()), ("n", AdapterMode(place: .unloaded)), ("u", AdapterMode()),
        ] {
            harness.keys(key)
            #expect(harness.session.adapter?.mode == mode && harness.session.overlay == .adapter)
        }
    }

    // MARK: training

    /// The model that is being trained is shown in any mode; the run goes on as if nobody had looked.
    @Test func aTrainedModelIsShownWithoutItsAdapter() throws {
        let undisturbed = TrainTests.Run("steps=3 lora-dropout=0.1")
        let run = TrainTests.Run("steps=3 lora-dropout=0.1 until=2")
        run.harness.command("prompt Tom and Mia went to the")
        #expect(try Self.logits(run.harness) != Self.logits(Self.harness(loaded: false)))
        run.harness.command("adapter unload")
        #expect(Self.hashes(run.harness) == Self.hashes(Self.harness(loaded: false)))
        run.harness.keys("8 Enter")
        run.harness.command("adapter on")
        #expect(run.harness.session.message?.text.contains("a batch is walked through") == true)
        run.harness.keys("X Space")
        #expect(run.losses == undisturbed.losses && run.harness.session.adapter?.mode.place == .unloaded)
        run.harness.command("adapter load \(Self.folder)")
        #expect(run.harness.session.message?.kind == .error)
    }

    // MARK: words

    @Test(arguments: [
        ("adapter", "the model has no adapter"), ("adapter scale 0.5", "the model has no adapter"), ("adapter scale x", "is not a number"),
        ("adapter scale inf", "from -1000"), ("adapter sideways", "is none of"), ("adapter load", "which folder"),
        ("adapter load /no/such/folder", "adapter_config.json"),
    ])
    func mistakesAreSaid(_ line: String, _ said: String) {
        var harness = Self.harness(loaded: false)
        let before = Self.hashes(harness)
        harness.command(line)
        #expect(harness.session.message?.kind == .error && harness.session.message?.text.contains(said) == true)
        #expect(Self.hashes(harness) == before)
    }

    @Test func aRecordingHasTheAdapter() throws {
        var harness = Self.harness("adapter scale 0.5", "record take.mica", "adapter merge", "record")
        let script = try #require(harness.effects.compactMap { if case .write(let text, _) = $0 { text } else { nil } }.last)
        let session = Session(size: Size(80, 24), theme: "night", themes: Harness.themes.names)
        var player = ScriptPlayer(InlineWorkbench(session), catalogue: Harness.themes, folder: "/")
        try player.play(script, name: "take.mica")
        #expect(CommandScript.hashes(player.session) == Self.hashes(harness))
        harness.command("open \(Harness.Sample.gpt2.path)")
        #expect(harness.session.adapter == nil)
    }

    @Test(arguments: ["beside", "merged"], [Size(60, 16), Size(80, 24), Size(160, 48)])
    func theBoxLooksAsItDid(_ name: String, _ size: Size) throws {
        let harness = Self.harness(name == "merged" ? "adapter merge" : "adapter scale 0.5", "adapter", size: size)
        #expect(harness.text.contains("stream ‖Δ‖/‖base‖"))
        let surface = harness.draw()
        #expect(surface.size == size)
        try ScreenGolden.compare(surface, "adapter-\(name)-\(size.width)x\(size.height)")
    }
}
