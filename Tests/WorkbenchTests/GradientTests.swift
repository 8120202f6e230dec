import Engine
import Foundation
import Screen
import Tensors
import Testing
import Workbench

/// Screen 4: the reverse walk by its keys, and every number on it against the run's own tensors.
@Suite struct GradientTests {
    private static let prompt = "Tom and Mia"

    private static func open(_ sample: Harness.Sample = .llama, size: Size = Size(160, 48), runs: Bool = true, walks: Bool = true)
        -> Harness
    {
        var harness = Harness.open(sample, prompt: prompt, size: size, runs: runs)
        harness.screen(.gradient)
        if walks { harness.keys("Space") }
        return harness
    }

    private static func tensor(_ harness: Harness, _ name: String) throws -> Tensor {
        let stepper = try #require(harness.snapshot?.stepper)
        let id = try #require(stepper.program.id(of: name))
        return try #require(try stepper.tensor(id))
    }

    // MARK: the walk

    @Test func aStepBackFinishesTheForwardPassFirst() throws {
        var harness = Self.open(runs: false, walks: false)
        harness.command("step 5")
        harness.keys("n")
        let stepper = try #require(harness.snapshot?.stepper)
        #expect(stepper.program.hasBackward && stepper.cursor == stepper.program.forwardCount + 1)
        #expect(harness.session.reverseCursor == 1 && harness.selected == "grad:loss")
        harness.keys("n n n N")
        #expect(harness.session.reverseCursor == 3)
        harness.keys("o")
        let list = try #require(harness.session.reverse)
        #expect(list.groups.contains { $0.entries.lowerBound == harness.session.reverseCursor && $0.layer == 5 })
    }

    /// With every screen open on the way the walk has the bits of a free one, and the forward values keep theirs.
    @Test func lookingChangesNoBit() {
        let forward = CommandScript.hashes(Self.open(walks: false).session)
        let free = CommandScript.hashes(Self.open().session)
        #expect(free.count > forward.count && Set(forward).isSubset(of: Set(free)))
        var walked = Self.open(walks: false)
        for round in 0..<100 where walked.snapshot?.stepper.isFinished != true || round == 0 {
            walked.command("backward step 12")
            walked.keys("N N n j n")
            walked.resize(round % 2 == 0 ? Size(80, 24) : Size(160, 48))
            _ = walked.draw()
        }
        #expect(CommandScript.hashes(walked.session) == free)
    }

    @Test(arguments: Harness.Sample.allCases)
    func theListHasEveryStepOnceAndEveryLayer(_ sample: Harness.Sample) throws {
        let harness = Self.open(sample, walks: false)
        let list = try #require(harness.session.reverse)
        #expect(list.entries.map(\.step) == Array(list.program.steps.indices.dropFirst(list.program.forwardCount)))
        #expect(list.groups.map(\.entries).reduce([]) { $0 + Array($1) } == Array(list.entries.indices))
        let layers = list.groups.compactMap(\.layer)
        #expect(layers == layers.sorted(by: >) && Set(layers).count == harness.session.model?.settings.layers)
        for (number, entry) in list.entries.enumerated() where entry.via == nil {
            #expect(list.entry(writing: entry.output) == number && list.entry(of: entry.target) == number)
        }
        #expect(
            list.rows(folded: Set(layers)).count == list.rows(folded: []).count
                - list.groups.filter { $0.layer != nil }.reduce(0) { $0 + $1.entries.count })
    }

    @Test func layersFold() {
        var harness = Self.open()
        harness.command("goto model.layers.3.mlp.up_proj")
        harness.keys("h")
        #expect(harness.session.reverseRow.map { if case .group = $0 { true } else { false } } == true)
        harness.keys("Enter")
        #expect(harness.session.gradient.folded == [3])
        #expect(harness.text.contains("▸ layer 3"))
        harness.keys("l")
        #expect(harness.session.gradient.folded.isEmpty)
    }

    @Test func breakpointsAndWatchpointsStandBeforeGradients() throws {
        var harness = Self.open(walks: false)
        harness.command("goto model.layers.4.self_attn.q_proj.weight")
        harness.keys("b Space")
        let next = try #require(harness.snapshot?.stepper.next)
        #expect(harness.snapshot?.stepper.program.values[next].name == "grad:model.layers.4.self_attn.q_proj.weight")
        harness.keys("n n")
        #expect(harness.text.contains("◉"))
        harness.command("clear-stops")
        harness.command("watch grad:model.layers.2.mlp* absmax 1e-12")
        harness.keys("Space")
        #expect(harness.snapshot?.stepper.isFinished == false && harness.session.selectedValue?.layer == 2)
        #expect(harness.text.contains("watchpoint"))
    }

    /// What `:record` opens with leads back to the same place of the walk.
    @Test(arguments: ["backward step 37", "backward end"])
    func aRecordingOpensInTheWalk(_ line: String) throws {
        var harness = Self.open(walks: false)
        harness.command(line)
        harness.command("record unused")
        let opening = try #require(harness.session.recording?.lines)
        var other = Harness(size: Size(160, 48))
        for line in opening { other.command(line) }
        #expect(other.snapshot?.stepper.cursor == harness.snapshot?.stepper.cursor)
        #expect(CommandScript.hashes(other.session) == CommandScript.hashes(harness.session))
    }

    @Test func runToGoesThereInBothDirections() throws {
        var harness = Self.open(walks: false)
        harness.command("goto model.layers.1.self_attn.v_proj")
        harness.keys("r")
        var stepper = try #require(harness.snapshot?.stepper)
        #expect(stepper.next == stepper.program.id(of: "grad:model.layers.1.self_attn.v_proj"))
        harness.command("goto model.layers.5.mlp.act_fn")
        harness.keys("r")
        stepper = try #require(harness.snapshot?.stepper)
        #expect(stepper.next == stepper.program.id(of: "grad:model.layers.5.mlp.act_fn"))
    }

    // MARK: pictures

    @Test func theValueStandsBesideItsGradientWithOneCursor() throws {
        var harness = Self.open()
        harness.command("goto model.layers.3.self_attn.q_proj.weight")
        harness.keys("Tab l l j")
        #expect(harness.session.cursorIndex == [1, 2])
        let (w, g) = (
            try Self.tensor(harness, "model.layers.3.self_attn.q_proj.weight"),
            try Self.tensor(harness, "grad:model.layers.3.self_attn.q_proj.weight")
        )
        #expect(harness.text.contains(Numbers.compact(try #require(w.value(at: [1, 2])), digits: 5)))
        #expect(harness.text.contains(Numbers.compact(try #require(g.value(at: [1, 2])), digits: 6)))
        harness.keys("[")
        #expect(harness.session.gradientTarget?.id == harness.snapshot?.stepper.program.id(of: "model.layers.2.self_attn.q_proj.weight"))
        #expect(harness.session.cursorIndex == [1, 2])
    }

    @Test func onlyAWeightIsUpdated() throws {
        var harness = Self.open()
        harness.command("goto model.norm.weight")
        harness.command("update-rate 0.5")
        let (w, g) = (try Self.tensor(harness, "model.norm.weight"), try Self.tensor(harness, "grad:model.norm.weight"))
        let (before, slope) = (try #require(w.value(at: [0])), try #require(g.value(at: [0])))
        let after = before - 0.5 * slope
        #expect(harness.text.contains(Numbers.compact(after, digits: 7)))
        harness.keys("v u")
        #expect(harness.text.contains("−lr·grad") && harness.text.contains("lr 0.5"))
        harness.command("goto model.norm")
        #expect(!harness.text.contains("−lr·grad"))
        harness.command("update-rate -1")
        #expect(harness.session.message?.kind == .error && harness.session.gradient.learningRate == 0.5)
    }

    /// What the mask hides is exactly 0 in the gradient of the scores. In that of the probabilities it is not, and the screen says so.
    @Test(arguments: [("scores", true), ("probs", false)])
    func hiddenCellsAreExactlyZeroWhereTheMaskIs(_ name: String, _ isZero: Bool) throws {
        var harness = Self.open()
        harness.command("goto model.layers.2.self_attn.\(name)")
        let gradient = try Self.tensor(harness, "grad:model.layers.2.self_attn.\(name)")
        let count = gradient.shape[1]
        let hidden = (0..<count).flatMap { i in (i + 1..<count).map { gradient.value(at: [0, i, $0]) } }
        #expect(hidden.allSatisfy { $0 == 0 } == isZero)
        let text = harness.text
        #expect(text.contains("hidden \(hidden.count): exactly 0 ✓"))
        #expect(text.contains("hidden \(hidden.count): exactly −∞ ✓") == isZero)
        #expect(text.contains("hidden \(hidden.count): not 0") == !isZero)
    }

    // MARK: numbers

    @Test(arguments: Harness.Sample.allCases)
    func attributionIsGradientTimesInput(_ sample: Harness.Sample) throws {
        let harness = Self.open(sample)
        let program = try #require(harness.snapshot?.stepper.program)
        let name = program.values[try #require(program.tokenEmbedding)].name
        let (x, g) = (try Self.tensor(harness, name).doubles(), try Self.tensor(harness, "grad:\(name)").doubles())
        guard case .gradient(.attribution(let shown))? = harness.session.answers[.gradient(.attribution)] else {
            Issue.record("no attribution")
            return
        }
        let width = x.count / shown.count
        #expect(shown.count == harness.snapshot?.ids.count)
        for (token, number) in shown.enumerated() {
            let wanted = (token * width..<(token + 1) * width).reduce(0) { $0 + x[$1] * g[$1] }
            #expect(abs(number - wanted) < 1e-9)
        }
        #expect(shown.contains { $0 != 0 })
    }

    /// The terms under the formula add up to the number.
    @Test(arguments: ["model.layers.5.mlp.down_proj.weight", "model.layers.4.self_attn.q_proj", "model.layers.3.self_attn.scores"])
    func theTermsAddUp(_ name: String) throws {
        var harness = Self.open()
        harness.command("goto \(name)")
        harness.keys("Tab l j j")
        let request = Request.gradient(.terms(try #require(harness.session.gradientValue), index: harness.session.cursorIndex))
        guard case .gradient(.terms(let terms))? = harness.session.answers[request] else {
            Issue.record("no terms")
            return
        }
        #expect(terms.count > 0 && abs(terms.sum - terms.number) < 1e-6 + 1e-4 * abs(terms.number))
        #expect(harness.text.contains(Numbers.compact(terms.number, digits: 6)))
    }

    @Test func theSlopeIsMeasuredWhenAsked() throws {
        var harness = Self.open()
        harness.command("goto model.layers.5.mlp.up_proj.weight")
        harness.keys("Tab l j")
        #expect(!harness.text.contains("fp64, h ="))
        harness.keys("d")
        let element = try #require(harness.session.gradient.check)
        #expect(element.index == [1, 1])
        guard case .gradient(.slope(let slope))? = harness.session.answers[.gradient(.slope(element))] else {
            Issue.record("no slope")
            return
        }
        let gradient = try #require(try Self.tensor(harness, "grad:model.layers.5.mlp.up_proj.weight").value(at: [1, 1]))
        #expect(gradient != 0 && slope.relativeError(of: gradient) < 1e-3)
        #expect(harness.text.contains("fp64, h =") && harness.text.contains("✓"))
        harness.keys("l")
        #expect(!harness.text.contains("fp64, h ="))
        harness.keys("h C-c")
        #expect(harness.session.gradient.check == nil)
    }

    // MARK: without a walk

    @Test func whatHasNoLossSaysWhy() {
        var harness = Harness.open(ids: [5], size: Size(160, 48))
        harness.screen(.gradient)
        #expect(harness.text.contains("no next token"))
        harness.keys("Space")
        #expect(harness.session.message?.kind == .error)
        harness = Self.open()
        harness.keys(">")
        #expect(harness.text.contains("the pass of one more token") && harness.snapshot?.past == 5)
        harness.keys("<")
        #expect(harness.session.reverseCursor == harness.session.reverse?.entries.count)
    }

    @Test func whatTheLossDoesNotDependOnHasNoGradient() {
        var harness = Self.open()
        harness.command("goto position_ids")
        #expect(harness.text.contains("No gradient"))
        harness.keys("d")
        #expect(harness.session.message?.kind == .error)
    }

    // MARK: looks

    @Test(arguments: [
        ("before", ""), ("weight", "Space"), ("masked", "Space v g"), ("midway", "r Enter n"), ("update", "Space v u"),
    ])
    func looksAsItDid(_ name: String, _ keys: String) throws {
        for size in [Size(60, 16), Size(80, 24), Size(160, 48)] {
            var harness = Harness.open(size: size)
            harness.screen(.gradient)
            harness.command("goto model.layers.3.self_attn.\(name == "masked" ? "scores" : "q_proj.weight")")
            harness.keys(keys)
            try ScreenGolden.compare(harness.draw(), "gradient-\(name)-\(size.width)x\(size.height)")
        }
    }

    @Test func theOtherArchitectureLooksAsItDid() throws {
        for size in [Size(80, 24), Size(160, 48)] {
            var harness = Harness.open(.gpt2, size: size)
            harness.screen(.gradient)
            harness.keys("Space")
            try ScreenGolden.compare(harness.draw(), "gradient-gpt2-\(size.width)x\(size.height)")
        }
    }
}
