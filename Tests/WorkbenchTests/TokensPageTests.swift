import Engine
import Foundation
import Screen
import Testing
import Workbench

/// Screen 7: tokens, merges, next tokens, lens.
@Suite struct TokensPageTests {
    private static func open(_ sample: Harness.Sample = .llama, prompt: String? = nil, size: Size = Size(160, 48)) -> Harness {
        var harness = Harness.open(sample, prompt: prompt, size: size)
        harness.screen(.tokens)
        return harness
    }

    @Test func theLastTokenIsSelectedAndFollowed() {
        var harness = Self.open()
        #expect(harness.session.tokenIndex == harness.session.tokenIDs.count - 1)
        harness.keys("> >")
        #expect(harness.session.tokenIndex == harness.session.tokenIDs.count - 1)
        harness.keys("h > l")
        #expect(harness.session.tokenIndex < harness.session.tokenIDs.count - 1)
    }

    /// The probabilities on the strip are the losses the engine computed.
    @Test(arguments: Harness.Sample.allCases)
    func scoresAgreeWithTheLoss(_ sample: Harness.Sample) throws {
        let harness = Self.open(sample)
        guard case .scores(let scores)? = harness.session.answers[.scores(count: harness.session.tokenIDs.count)] else {
            Issue.record("no scores")
            return
        }
        let stepper = try #require(harness.snapshot?.stepper)
        let losses = try #require(try stepper.program.id(of: "loss.tokens").flatMap { try stepper.tensor($0)?.floats() })
        #expect(scores.count == losses.count && scores[0] == nil)
        for (token, score) in scores.enumerated().dropFirst() {
            let score = try #require(score)
            #expect(score.loss == losses[token - 1])
            #expect(abs(Double(score.probability) - exp(-Double(losses[token - 1]))) < 1e-5)
            #expect(score.rank >= 1)
        }
    }

    /// Tokens of earlier passes keep what was said of them; predictions are this pass's.
    @Test func aCachedPassShowsAllIdsAndItsOwnPredictions() throws {
        var harness = Self.open()
        let count = harness.session.tokenIDs.count
        harness.keys("> > >")
        #expect(harness.session.answers[.scores(count: count + 3)] != nil)
        guard case .scores(let scores)? = harness.session.answers[.scores(count: count + 3)] else { return }
        #expect(scores.count == count + 3)
        #expect(scores.dropFirst().allSatisfy { $0 != nil })
        // What was chosen greedily was the likeliest.
        #expect(scores.suffix(3).allSatisfy { $0?.rank == 1 })
        for id in harness.session.tokenIDs { #expect(harness.text.contains("\(id)")) }
        harness.keys("g g")
        #expect(harness.text.contains("lies in the cache"))
        harness.keys("G")
        #expect(!harness.text.contains("lies in the cache"))
    }

    @Test func mergesEndAtTheTokens() throws {
        var harness = Self.open(prompt: "unbelievably bright")
        harness.command("token 2")
        guard case .stories(let stories)? = harness.session.answers[.stories(text: "unbelievably bright")] else {
            Issue.record("no stories")
            return
        }
        let ids = harness.session.tokenIDs
        for story in stories.stories { #expect(story.piece.ids.map(Int.init) == Array(ids[story.tokens])) }
        #expect(stories.isRoundTrip == true)
        #expect(stories.story(of: 0) == nil)
        let merges = try #require(stories.story(of: 2)?.piece.merges)
        harness.keys("Tab")
        for step in 0...merges.count {
            #expect(harness.text.contains("step \(step)/\(merges.count)"))
            harness.keys("j")
        }
        harness.keys("j j j")
        #expect(harness.text.contains("step \(merges.count)/\(merges.count)"))
        harness.keys("k")
        #expect(harness.text.contains("rank \(merges[merges.count - 1].rank)"))
    }

    @Test func theLensEndsAtThePrediction() throws {
        var harness = Self.open()
        harness.command("token 9")
        let answers = harness.session.answers
        let count = harness.session.tokenIDs.count
        guard case .lens(let lens)? = answers[.lens(0..<count, count: 5)], case .predictions(let next)? = answers[.predictions(count: 24)]
        else {
            Issue.record("no lens, or no predictions")
            return
        }
        let last = try #require(lens.rows.last)
        for position in 0..<count { #expect(last.rankings[position].top[0] == next[position].top[0]) }
        harness.keys("Tab Tab Tab k k Enter")
        #expect(harness.session.page == .explore)
        #expect(harness.selected.hasPrefix("model.layers.3"))
        #expect(harness.session.place.row == 9)
    }

    /// Nothing is shown of what the run has not reached.
    @Test func beforeTheLogitsThereAreNoNumbers() {
        var harness = Self.open()
        #expect(harness.text.contains("entropy"))
        harness.keys("R")
        #expect(harness.text.contains("the logits have not been computed"))
        #expect(harness.text.contains("residuals of this pass have not all been computed"))
        harness.keys("Space S")
        harness.command("step-back 3")
        #expect(harness.text.contains("the logits have not been computed"))
    }

    @Test func coloursCycle() {
        var harness = Self.open()
        #expect(harness.text.contains("colour: probability"))
        harness.keys("v n")
        #expect(harness.text.contains("colour: entropy"))
        harness.keys("v n")
        #expect(harness.text.contains("colour: none"))
        let runs = harness.draw().styleRuns[2]
        #expect(!runs.contains("s6"))
    }

    /// Bytes that are no text, controls, wide characters and marks keep the strip in its columns.
    @Test(
        arguments: [
            "日本語 🙂 👩‍👩‍👧 é\u{301}\u{302}", "a\u{1B}[31mb\u{7}\u{85}\u{202E}c\u{200B}", "\r\n\t\n\n  x", String(repeating: "ab ", count: 60),
        ], PageTests.sizes)
    func oddTextStaysInItsColumns(_ prompt: String, _ size: Size) {
        var harness = Self.open(prompt: prompt, size: size)
        for _ in 0..<3 {
            let surface = harness.draw()
            for place in Drawing.panes(harness.session) where Breakpoint(size) != .none {
                for y in place.rect.y + 1..<place.rect.bottom - 1 { #expect(surface[place.rect.right - 1, y].glyph == "│") }
            }
            harness.keys("h h Tab j j j")
        }
    }

    @Test func clicksSelect() {
        var harness = Self.open(size: Size(80, 24))
        harness.input(.mouse(MouseEvent(.press(.left), at: Point(6, 2))))
        #expect(harness.session.tokenIndex == 0)
        harness.input(.mouse(MouseEvent(.press(.left), at: Point(40, 19))))
        #expect(harness.session.focus[.tokens] == 3)
        #expect(harness.session.tokens.layer != nil || harness.session.tokenIndex != 0)
    }

    /// Without a tokenizer there are ids, and it is said.
    @Test(arguments: PageTests.sizes)
    func withoutATokenizerThereAreIds(_ size: Size) throws {
        let path = try Harness.copy(.llama, name: "bare") { _ in nil }
        defer { try? FileManager.default.removeItem(atPath: path) }
        var harness = Harness(size: size)
        harness.command("open \(path)")
        harness.command("ids 5,600,7,1234")
        harness.screen(.tokens)
        guard Breakpoint(size) >= .standard else { return }
        for text in ["ids, no tokenizer", "1234", "600", "no tokenizer, so nothing to merge", "entropy"] {
            #expect(harness.text.contains(text))
        }
        harness.keys("h h Tab Tab Tab k k")
        #expect(harness.text.contains("#"))
    }
}
