import Engine
import Foundation
import Models
import Screen
import Testing
import Workbench

/// Edits and patch scans by commands and keys.
@Suite struct WhatIfTests {
    private static let other = "When Tom and Mia went to the market, Mia gave a ring to"

    /// The sample on its prompt with some command lines.
    private static func harness(_ lines: String..., sample: Harness.Sample = .llama, size: Size = Size(80, 24)) -> Harness {
        var harness = Harness.open(sample, size: size)
        for line in lines { harness.command(line) }
        return harness
    }

    private static func loss(_ harness: Harness) throws -> Double? {
        let stepper = try #require(harness.snapshot?.stepper)
        return try stepper.program.id(of: "loss").flatMap { try stepper.tensor($0)?.value(at: [0]) }
    }

    // MARK: edits

    @Test func anEditIsComputedAtOnceAndSaysWhatItChanged() throws {
        var harness = Self.harness()
        let (hashes, before) = (CommandScript.hashes(harness.session), try #require(try Self.loss(harness)))
        harness.command("knock-out L5 attention")
        let after = try #require(try Self.loss(harness))
        #expect(before != after)
        let text = harness.text
        #expect(text.contains("loss \(Numbers.fixed(before, decimals: 3)) → \(Numbers.fixed(after, decimals: 3))"))
        #expect(text.contains("steps again") && text.contains("✎1"))
        #expect(harness.snapshot?.stepper.isFinished == true)
        harness.command("undo")
        #expect(CommandScript.hashes(harness.session) == hashes)
        #expect(!harness.text.contains("✎1"))
    }

    @Test func editsAreListedAndUndoneOneByOne() throws {
        var harness = Self.harness("knock-out L3H5", "zero model.layers.2.mlp[token 4]", "scale model.layers.1 by 2")
        harness.keys("c e")
        for line in ["knock-out L3H5", "zero model.layers.2.mlp", "scale model.layers.1 by 2"] { #expect(harness.text.contains(line)) }
        harness.keys("k x")
        #expect(harness.session.edits.items.map(\.edit.description) == ["knock-out L3H5", "scale model.layers.1 by 2.0"])
        harness.keys("u")
        #expect(harness.session.edits.items.map(\.edit.description) == ["knock-out L3H5"])
        let alone = Self.harness("knock-out L3H5")
        #expect(CommandScript.hashes(harness.session) == CommandScript.hashes(alone.session))
        harness.keys("Enter")
        #expect(harness.selected == "model.layers.3.self_attn.context" && harness.session.overlay == nil)
        #expect(harness.text.contains("✎ layers · 3") || harness.text.contains("✎ 3 · self_attn"))
        harness.keys("c u")
        #expect(harness.session.edits.items.isEmpty)
        harness.keys("c u")
        #expect(harness.session.message?.kind == .error)
    }

    @Test func theNumberUnderTheCursorIsEdited() throws {
        var harness = Self.harness("goto model.layers.2.mlp", "at [3,17]")
        harness.keys("c s")
        #expect(harness.session.line?.text == "set model.layers.2.mlp.down_proj[3, 17] = ")
        harness.type("2.5")
        harness.keys("Enter")
        #expect(harness.session.selectedTensor?.value(at: [3, 17]) == 2.5)
        harness.command("scale [3, :] by 2")
        #expect(harness.session.selectedTensor?.value(at: [3, 17]) == 5)
        // The same word is still the scale of colours, and `copy` still the clipboard's.
        harness.command("scale log")
        #expect(harness.session.view.scale == .log)
        harness.keys("y")
        #expect(harness.effects.contains { if case .copy = $0 { true } else { false } })
    }

    @Test func watchedValuesAreReported() {
        var harness = Self.harness("watch model.norm absmax 1e9", "knock-out L5H2")
        #expect(harness.text.contains("max|Δ|"))
        harness.keys("c e")
        #expect(harness.text.contains("watched values") && harness.text.contains("‖Δ‖"))
    }

    @Test(arguments: [
        ("zero model.layers.9.mlp", "zero: there is no value"), ("set model.norm[99, 0] = 1", "token 99 lies outside 0…14"),
        ("knock-out L9H1", "there is no attention in layer 9"), ("noise model.norm", "cannot follow"),
        ("copy model.norm from B", "there is no run 'B'"), ("undo", "there is no edit to undo"),
        ("patch-scan", "there is no run to copy from"),
        ("patch-scan sideways", "'sideways' cannot follow"), ("patch-scan answer Tom", "answer TOKEN wrong TOKEN"),
        ("patch-scan answer Tom wrong unbelievable", "'unbelievable' is"), ("patch-scan answer Tom wrong 99999", "outside the vocabulary"),
        ("run B =", "a run is written run B"),
        ("freeze model.layers.1.mlp", "is no norm"),
    ])
    func mistakesAreSaidAndChangeNothing(_ line: String, _ says: String) {
        var harness = Self.harness()
        let hashes = CommandScript.hashes(harness.session)
        harness.command(line)
        #expect(harness.session.message?.kind == .error)
        let said = harness.session.message?.text ?? ""
        #expect(said.contains(says) || "\(line.prefix { $0 != " " }): \(said)".hasPrefix(says), "\(said)")
        #expect(CommandScript.hashes(harness.session) == hashes && harness.session.edits.items.isEmpty)
    }

    /// Edits are carried to another prompt and to new tokens; those that find no room there are dropped and said.
    @Test func editsFollowThePromptAndTheTokens() throws {
        var harness = Self.harness("knock-out L3H5", "zero model.layers.2.mlp[token 12]")
        harness.keys("> >")
        #expect(harness.session.edits.items.count == 2 && harness.snapshot?.past == 16)
        harness.command("scale model.layers.1.mlp[token 3] by 4")
        harness.keys("< <")
        let whole = Self.harness("knock-out L3H5", "zero model.layers.2.mlp[token 12]", "scale model.layers.1.mlp[token 3] by 4")
        #expect(CommandScript.hashes(harness.session) == CommandScript.hashes(whole.session))
        harness.command("prompt Long ago, Tom")
        #expect(harness.session.edits.items.map(\.edit.description) == ["knock-out L3H5", "scale model.layers.1.mlp[token 3] by 4.0"])
        #expect(harness.session.message?.text.contains("1 edit does not fit this prompt") == true)
        harness.command("open \(Harness.Sample.gpt2.path)")
        #expect(harness.session.edits.items.isEmpty)
    }

    @Test func copiesComeFromARunAside() throws {
        var harness = Self.harness("run B = \"\(Self.other)\"", "copy model.layers.5 from B")
        let next = harness.session.edits.last?.tokens.first?.id
        #expect(next.map { harness.session.tokenLabel($0) } == "·Tom")
        harness.command("save-edits what.edits")
        let text = try #require(harness.effects.compactMap { if case .write(let text, _) = $0 { text } else { nil } }.last)
        #expect(text == "run B = \"\(Self.other)\"\ncopy model.layers.5 from B\n")
        // Another prompt under the same name is copied instead.
        harness.command("run B = \"When Ann and Mia went to the market, Mia gave a ring to\"")
        let copied = try #require(harness.snapshot?.stepper)
        let fresh = Self.harness("run B = \"When Ann and Mia went to the market, Mia gave a ring to\"", "copy model.layers.5 from B")
        #expect(CommandScript.hashes(harness.session) == CommandScript.hashes(fresh.session))
        #expect(copied.edits.edits.count == 1)
    }

    @Test func recordedEditsReplay() throws {
        var harness = Self.harness("run B = \"\(Self.other)\"", "knock-out L3H5", "next-token", "zero model.layers.4.mlp[token 16]")
        harness.command("record take.mica")
        harness.keys("c u")
        harness.command("copy model.layers.3[token 5] from B")
        harness.command("record")
        let script = try #require(harness.effects.compactMap { if case .write(let text, _) = $0 { text } else { nil } }.last)
        let session = Session(size: Size(80, 24), theme: "night", themes: Harness.themes.names)
        var player = ScriptPlayer(InlineWorkbench(session), catalogue: Harness.themes, folder: "/")
        try player.play(script, name: "take.mica")
        #expect(CommandScript.hashes(player.session) == CommandScript.hashes(harness.session))
        #expect(player.session.edits.items.map(\.edit) == harness.session.edits.items.map(\.edit))
    }

    // MARK: scans

    /// The other way round each cell is the same: both differences change their sign.
    @Test func aScanComparesTheTokensThatAreNamed() throws {
        var harness = Self.harness("run B = \"\(Self.other)\"", "patch-scan heads")
        let own = try #require(harness.session.scan?.scan)
        harness.command("patch-scan heads from B answer Mia wrong \(own.question.answer)")
        let named = try #require(harness.session.scan?.scan)
        #expect(named.question.answer == own.question.wrong && named.question.wrong == own.question.answer)
        #expect(named.clean == -own.clean && named.corrupted == -own.corrupted)
        harness.command("patch-scan heads answer met wrong Tom")
        let other = try #require(harness.session.scan?.scan)
        #expect(other.question.wrong == own.question.answer && other.clean != named.clean)
    }

    @Test(arguments: PatchScan.What.allCases) func aScanIsDrawnAndItsCellBecomesAnEdit(_ what: PatchScan.What) throws {
        var harness = Self.harness("run B = \"\(Self.other)\"", "patch-scan \(what.rawValue)")
        let state = try #require(harness.session.scan)
        #expect(state.scan.isFinished && !state.isRunning && state.scan.what == what)
        #expect(harness.text.contains("Patch \(what.rawValue) from B") && harness.text.contains("logit ·Tom − logit ·Mia"))
        harness.keys("j l l End Home l l")
        #expect(harness.session.overlay == .scan(row: 1, column: 2))
        #expect(harness.text.contains("\(Numbers.fixed(Double(state.scan[1, 2]), decimals: 3)) of the way"))
        harness.keys("Enter")
        #expect(harness.session.edits.items.count == 1)
        let logits = try #require(try harness.snapshot?.stepper.lastLogits())
        let difference = Double(logits[state.scan.question.answer]) - Double(logits[state.scan.question.wrong])
        #expect(Float((difference - state.scan.corrupted) / (state.scan.clean - state.scan.corrupted)) == state.scan[1, 2])
    }

    /// A scan is seen growing, stopped by C-c, and what it has measured stays.
    @Test func aScanGrowsAndIsCancelled() {
        var harness = Self.harness("run B = \"\(Self.other)\"")
        harness.command("patch-scan heads", ops: 5)
        #expect(harness.session.scan?.isRunning == true)
        #expect(harness.text.contains("C-c stops"))
        harness.keys("j l")
        let done = harness.session.scan?.scan.done ?? 0
        #expect(done >= 5)
        var stopped = Self.harness("run B = \"\(Self.other)\"")
        stopped.command("patch-scan heads", ops: 5)
        stopped.workbench.send(.input(.key(Key.control("c"))), ops: 0)
        #expect(stopped.session.scan?.isRunning == false && stopped.session.scan?.scan.isFinished == false)
        #expect(stopped.text.contains("not measured") || stopped.text.contains("of the way"))
        stopped.keys("q")
        #expect(stopped.session.overlay == nil)
    }

    // MARK: looks

    @Test(arguments: ["edits", "edits-none", "scan", "scan-heads", "explore-edited"], [Size(80, 24), Size(160, 48)])
    func boxesLookAsTheyDid(_ name: String, _ size: Size) throws {
        var harness = Self.harness("watch model.norm absmax 1e9", size: size)
        if name != "edits-none" {
            for line in ["run B = \"\(Self.other)\"", "knock-out L3H5", "zero model.layers.2.mlp[token 4]"] { harness.command(line) }
        }
        switch name {
        case "scan": harness.command("patch-scan from B")
        case "scan-heads": harness.command("patch-scan heads")
        case "explore-edited": harness.command("goto model.layers.2.mlp")
        default: harness.keys("c e")
        }
        if name.hasPrefix("scan") { harness.keys("j j l l") }
        try GoldenTests.compare(harness.draw(), "what-if-\(name)-\(size.width)x\(size.height).txt")
    }

    @Test(arguments: [Size(40, 10), Size(60, 16), Size(200, 60)], ["patch-scan from B", "patch-scan heads", "edits"])
    func boxesFitAnyScreen(_ size: Size, _ line: String) {
        var harness = Self.harness("run B = \"\(Self.other)\"", "knock-out L3H5", line, size: size)
        #expect(harness.draw().size == size)
        harness.resize(Size(7, 3))
        #expect(harness.draw().size == Size(7, 3))
    }
}
