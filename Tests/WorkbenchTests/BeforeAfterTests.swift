import Engine
import Foundation
import Models
import Screen
import Testing
import Training

@testable import Workbench

/// Two continuations of one prompt, streamed side by side.
@Suite struct BeforeAfterTests {
    private static let prompt = "Tom and Mia went to the"

    private static func harness(loaded: Bool = true, size: Size = Size(80, 24)) -> Harness {
        var harness = Harness.open(prompt: prompt, size: size)
        if loaded { harness.command("adapter load \(AdapterTests.folder)") }
        return harness
    }

    /// Token after token, as the workbench steps through a text.
    private static func stepped(_ harness: Harness, _ count: Int) -> [Int] {
        var harness = harness
        for _ in 0..<count { harness.command("next-token") }
        return (harness.snapshot?.ids ?? []).suffix(count).map { $0 }
    }

    @Test func bothSidesAreWhatSteppingGives() throws {
        var harness = Self.harness()
        let hashes = CommandScript.hashes(harness.session)
        harness.command("before-after")
        let state = try #require(harness.session.beforeAfter)
        #expect(!state.isRunning && state.before.hasEnded && state.after.hasEnded && state.prompt == .text(Self.prompt))
        #expect(state.before.name == "base" && state.after.name == "adapter on")
        #expect(Array(state.before.tokens.prefix(6)) == Self.stepped(Self.harness(loaded: false), 6))
        #expect(Array(state.after.tokens.prefix(6)) == Self.stepped(Self.harness(), 6))
        let tokenizer = try #require(harness.session.model?.tokenizer)
        #expect(tokenizer.decode(state.after.tokens.map { Int32($0) }).hasSuffix(state.after.text.suffix(20)))
        let same = zip(state.before.tokens, state.after.tokens).prefix { $0 == $1 }.count
        #expect(state.firstDifference == same)
        // The run on the screen is where it was.
        #expect(CommandScript.hashes(harness.session) == hashes && harness.session.overlay == .beforeAfter(scroll: 0))
    }

    @Test func anAdapterThatIsOffSaysTheSame() throws {
        var harness = Self.harness()
        harness.command("adapter off")
        harness.command("before-after Once")
        let state = try #require(harness.session.beforeAfter)
        #expect(state.before.tokens == state.after.tokens && !state.before.tokens.isEmpty && state.firstDifference == nil)
        #expect(harness.text.contains("both say the same") && harness.text.contains("adapter off"))
    }

    /// It is seen growing on both sides; C-c stops it, what has been written stays; q closes it and stops it too.
    @Test(arguments: ["C-c", "q"]) func theTextsGrowAndAreStopped(_ key: String) throws {
        var harness = Self.harness()
        harness.command("before-after", ops: 700)
        let growing = try #require(harness.session.beforeAfter)
        #expect(growing.isRunning && growing.before.tokens.count >= 1 && abs(growing.before.tokens.count - growing.after.tokens.count) <= 1)
        #expect(harness.text.contains("C-c stops"))
        harness.workbench.send(.input(.key(try #require(Key(key)))), ops: 0)
        let stopped = try #require(harness.session.beforeAfter)
        #expect(!stopped.isRunning && stopped.before.tokens == growing.before.tokens)
        #expect((harness.session.overlay == nil) == (key == "q"))
        harness.workbench.settle()
        #expect(harness.session.beforeAfter?.before.tokens == growing.before.tokens)
    }

    /// A run that is compared in the middle has the same bits; before it is the base, and after it the weights of the last step.
    @Test(arguments: ["method=lora lora-dropout=0.1", "method=full"]) func aRunIsComparedWithItsBeginning(_ settings: String) throws {
        let undisturbed = TrainTests.Run("steps=3 \(settings)")
        let run = TrainTests.Run("steps=3 until=2 \(settings)")
        run.harness.keys("a")
        let state = try #require(run.harness.session.beforeAfter)
        #expect(state.before.name == "before the run" && state.after.name == "after step 2" && state.prompt == .text("Tom and Mia"))
        #expect(Array(state.before.tokens.prefix(4)) == Self.stepped(Harness.open(prompt: "Tom and Mia"), 4))
        run.harness.command("prompt Tom and Mia")
        #expect(Array(state.after.tokens.prefix(4)) == Self.stepped(run.harness, 4))
        run.harness.keys("q 8 Space")
        #expect(run.losses == undisturbed.losses && run.losses.count == 3)
    }

    @Test func withoutATrainedModelThereIsNothingToCompare() {
        var harness = Self.harness(loaded: false)
        harness.command("before-after")
        #expect(harness.session.message?.text.contains("nothing to compare") == true && harness.session.overlay == nil)
        #expect(!harness.workbench.isRunning)
    }

    /// Words up to the first difference are plain, the others are set off; nothing is lost in folding.
    @Test(arguments: [4, 9, 17, 60]) func textIsFoldedAndSetOff(_ width: Int) {
        let text = "one two  three\n\nfour five sixteen"
        let lines = BeforeAfterBox.fold(text, 8, width)
        let words = lines.map(\.text).joined(separator: " ").split(whereSeparator: \.isWhitespace)
        #expect(words == text.split(whereSeparator: \.isWhitespace))
        #expect(lines.allSatisfy { $0.width <= max(width, 7) })
        let plain = lines.flatMap(\.spans).filter { $0.style == .role(.overlay) }.map { $0.text.trimmingCharacters(in: .whitespaces) }
        #expect(plain.filter { !$0.isEmpty } == ["one", "two"])
    }

    @Test(arguments: [Size(60, 16), Size(80, 24), Size(160, 48)]) func theBoxLooksAsItDid(_ size: Size) throws {
        var harness = Self.harness(size: size)
        harness.command("before-after Long ago, near the temple, there lived a proud mouse")
        try ScreenGolden.compare(harness.draw(), "before-after-\(size.width)x\(size.height)")
        harness.resize(Size(7, 3))
        #expect(harness.draw().size == Size(7, 3))
    }
}
