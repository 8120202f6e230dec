import Engine
import Screen
import Testing
import Workbench

/// The debugger by its keys.
@Suite struct RunTests {
    @Test func overGoesToTheEndOfTheBlock() throws {
        var harness = Harness.open(runs: false)
        harness.command("run-layer 1")
        let program = try #require(harness.snapshot?.stepper.program)
        let first = try #require(harness.snapshot?.stepper.next)
        #expect(program.values[first].layer == 1)
        harness.keys("o")
        let cursor = try #require(harness.snapshot?.stepper.cursor)
        #expect(cursor > (program.values[first].step ?? 0))
        harness.command("layer 2")
        #expect(harness.session.message?.kind != .error)
    }

    @Test func stepsBackAndForwardWithTheSameBits() {
        var harness = Harness.open(runs: false)
        harness.command("step 40")
        let before = CommandScript.hashes(harness.session)
        harness.keys("S S S S")
        #expect(harness.snapshot?.stepper.cursor == 36)
        harness.keys("s s s s")
        #expect(CommandScript.hashes(harness.session) == before)
    }

    /// Whether there is a next op is the engine's to say: when the keys come, the screen may still show a run that stands at its end.
    @Test func keysFasterThanTheEngineStepInItsRun() {
        var harness = Harness.open()
        harness.burst("R s s s S")
        #expect(harness.snapshot?.stepper.cursor == 2)
        let chosen = harness.snapshot?.stepper.program.values.firstIndex { $0.step == 5 }
        harness.command("goto \(chosen.flatMap { harness.snapshot?.stepper.program.values[$0].name } ?? "")")
        harness.command("run")
        harness.burst("R r")
        #expect(harness.snapshot?.stepper.cursor == 5)
        harness.command("run")
        harness.burst("s")
        #expect(harness.session.message?.text.contains("the run stands at its end") == true)
        harness.screen(.gradient)
        harness.burst("s s s S")
        #expect(harness.snapshot.map { $0.stepper.cursor - $0.stepper.program.forwardCount } == 2)
    }

    @Test func intoAndOut() {
        var harness = Harness.open()
        harness.command("goto model.layers.2.self_attn.probs")
        harness.keys("x")
        #expect(harness.snapshot?.inner.count == 1)
        #expect(harness.text.contains("inside 0/"))
        harness.keys("s s S")
        #expect(harness.snapshot?.walking.cursor == 1)
        harness.keys("X")
        #expect(harness.snapshot?.inner.isEmpty == true)
        harness.keys("X")
        #expect(harness.session.message?.kind == .error)
    }

    @Test func breakpointsStop() throws {
        var harness = Harness.open(runs: false)
        harness.command("goto model.layers.3.mlp")
        harness.keys("b Space")
        let next = try #require(harness.snapshot?.stepper.next)
        #expect(harness.snapshot?.stepper.program.values[next].name.hasPrefix("model.layers.3.mlp") == true)
        #expect(harness.text.contains("breakpoint"))
        // The run that leaves a breakpoint is not stopped by it; taken away it stops nobody.
        harness.command("clear-stops")
        harness.keys("Space")
        #expect(harness.snapshot?.stepper.isFinished == true)
    }

    @Test func watchpointsStopAndShowTheElement() throws {
        var harness = Harness.open(runs: false)
        harness.command("watch *.mlp absmax 0.001")
        harness.keys("Space")
        #expect(harness.snapshot?.stepper.isFinished == false)
        #expect(harness.session.lastStop?.contains("watchpoint") == true)
        let number = try #require(harness.session.selectedTensor?.value(at: harness.session.cursorIndex))
        #expect(abs(number) > 0.001)
    }

    @Test func aWatchLineBeginsWithTheSelectedValue() {
        var harness = Harness.open()
        harness.command("goto model.norm")
        harness.keys("w")
        #expect(harness.session.line?.text == "watch model.norm absmax ")
    }

    @Test func searchFindsNamesTokensAndNumbers() {
        var harness = Harness.open()
        harness.keys("/")
        harness.type("layers.2.mlp")
        harness.keys("Enter")
        #expect(harness.selected.contains("layers.2.mlp"))
        let first = harness.selected
        harness.keys("n")
        #expect(harness.selected != first)
        harness.keys("N")
        #expect(harness.selected == first)
        harness.command("search ring")
        #expect(harness.session.page == .tokens)
        #expect(harness.session.tokenLabel(harness.session.tokenIDs[harness.session.tokenIndex]) == "·ring")
        harness.command("goto model.norm")
        harness.command("search > 1")
        harness.keys("n")
        #expect(harness.session.selectedTensor?.value(at: harness.session.cursorIndex) ?? 0 > 1)
        harness.command("search nothing-has-this-name")
        #expect(harness.session.message?.kind == .error)
    }

    @Test func anomaliesAreWalked() {
        var harness = Harness.open()
        harness.keys("e")
        #expect(harness.session.message != nil)
        let first = harness.selected
        harness.keys("e E")
        #expect(harness.selected == first)
    }

    @Test func elementsMarksAndHistory() {
        var harness = Harness.open()
        harness.command("goto model.layers.1.mlp")
        harness.keys("@")
        harness.type("3,17]")
        harness.keys("Enter")
        #expect(harness.session.cursorIndex == [3, 17])
        harness.keys("m a")
        harness.command("goto model.norm")
        harness.keys("' a")
        #expect(harness.selected.hasPrefix("model.layers.1.mlp"))
        #expect(harness.session.cursorIndex == [3, 17])
        harness.keys("u")
        #expect(harness.selected == "model.norm")
        harness.command("at [999999,0]")
        #expect(harness.session.message?.kind == .error)
    }

    @Test func thePromptIsEditedInPlace() {
        var harness = Harness.open()
        harness.keys("p")
        #expect(harness.session.line?.text.hasPrefix("prompt When Mia") == true)
        harness.keys("C-u")
        harness.type("prompt Long ago,")
        harness.keys("Enter")
        #expect(harness.session.promptText == "Long ago,")
        #expect(harness.snapshot?.stepper.isFinished == true)
        harness.command("ids 1,2,999999")
        #expect(harness.session.message?.kind == .error)
        harness.command("ids 5,6,7")
        #expect(harness.session.tokenIDs == [5, 6, 7])
        harness.keys("p")
        #expect(harness.session.line?.text == "ids 5,6,7")
    }

    @Test func tokensGrowAndShrink() {
        var harness = Harness.open()
        let count = harness.session.tokenIDs.count
        harness.keys("> >")
        #expect(harness.session.tokenIDs.count == count + 2)
        #expect(harness.snapshot?.stepper.isFinished == true)
        harness.keys("< <")
        #expect(harness.session.tokenIDs.count == count)
        harness.keys("<")
        #expect(harness.session.message?.kind == .error)
    }

    @Test func aModelThatIsNotThereIsSaid() {
        var harness = Harness.open()
        harness.command("open /nowhere/at all")
        #expect(harness.session.message?.kind == .error)
        #expect(harness.session.busy == nil)
        #expect(harness.session.model != nil)
    }

    @Test(arguments: PageCatalogue.all.map { $0.id })
    func qGoesBackStepByStep(_ page: PageID) {
        var harness = Harness.open()
        harness.screen(page)
        harness.keys("z")
        harness.keys("q")
        #expect(!harness.session.isZoomed)
        harness.keys("? q")
        #expect(harness.session.overlay == nil)
        #expect(!harness.effects.contains { if case .quit = $0 { true } else { false } })
        harness.keys("C-c")
        #expect(!harness.effects.contains { if case .quit = $0 { true } else { false } })
        harness.command("quit")
        #expect(harness.effects.contains { if case .quit = $0 { true } else { false } })
    }
}
