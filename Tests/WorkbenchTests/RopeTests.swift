import Engine
import Foundation
import Screen
import Tensors
import Testing
import Workbench

/// Screen 3: tables, turns and scores are the engine's, within the text and beyond it.
@Suite struct RopeTests {
    private static func open(_ sample: Harness.Sample = .llama, size: Size = Size(160, 48)) -> Harness {
        var harness = Harness.open(sample, size: size)
        harness.screen(.rope)
        return harness
    }

    struct Missing: Error { let what: String }

    private static func tensor(_ harness: Harness, _ id: Int) throws -> Tensor { try #require(try harness.snapshot?.stepper.tensor(id)) }

    private static func turn(_ harness: Harness) throws -> (focus: RopeFocus, turn: RopeTurn) {
        let focus = try #require(harness.session.ropeFocus)
        let request = Request.rope(.turn(layer: focus.layer, head: focus.head, position: focus.position))
        guard case .rope(.turn(let turn))? = harness.session.answers[request] else { throw Missing(what: "the turn") }
        return (focus, turn)
    }

    private static func answer(_ harness: inout Harness, _ question: RopeQuestion) throws -> RopeAnswer {
        var told: RopeAnswer?
        let snapshot = try #require(harness.snapshot)
        var engine = EngineState(policy: Policy(threads: 1), budget: 1 << 30) { event in
            if case .answered(_, .rope(let answer), _) = event { told = answer }
        }
        engine.handle(.open(path: Harness.Sample.llama.path))
        engine.handle(.prompt(ids: snapshot.ids))
        engine.handle(.run(.end))
        while engine.isRunning { engine.advance { false } }
        engine.handle(.answer([.rope(question)], run: 1))
        return try #require(told)
    }

    // MARK: the table

    /// The recorded rows bit for bit, and beyond them what the formula says.
    @Test func theTableIsRecordedInsideTheTextAndComputedBeyondIt() throws {
        var harness = Self.open()
        let focus = try #require(harness.session.ropeFocus)
        for (function, id) in [(RopeTable.Function.cos, focus.values.cos), (.sin, focus.values.sin)] {
            guard case .table(let window) = try Self.answer(&harness, .table(layer: 0, function: function, from: 0, count: 200)) else {
                return
            }
            let recorded = try Self.tensor(harness, id)
            let theta = try Self.tensor(harness, focus.values.frequencies).floats()
            for pair in 0..<focus.values.pairs {
                for position in 0..<200 {
                    let shown = window.values[pair * 200 + position]
                    if position < focus.values.tokens {
                        #expect(Double(shown) == recorded.value(at: [position, pair]))
                    }
                    let angle = Double(Float(position) * theta[pair])
                    #expect(abs(Double(shown) - (function == .cos ? cos(angle) : sin(angle))) < 1e-6)
                }
            }
        }
    }

    // MARK: turning

    @Test func qIsTurnedAsTheRunTurnedItAndKeepsItsLength() throws {
        var harness = Self.open()
        for _ in 0..<5 {
            let (focus, turn) = try Self.turn(harness)
            let after = try Self.tensor(harness, focus.values.turnedQ)[focus.head][focus.position].floats()
            for (number, pair) in turn.pairs.enumerated() {
                let (i, j) = focus.values.dimensions(of: number)
                #expect(pair.after == [Double(after[i]), Double(after[j])])
                #expect(abs(pair.before[0] * pair.cos - pair.before[1] * pair.sin - pair.after[0]) < 1e-5)
            }
            #expect(turn.keepsNorm && turn.norm > 0)
            harness.keys("h h } [")
        }
        #expect(harness.text.contains("✓"))
    }

    @Test func beyondTheTextTheLastTokenIsTurned() throws {
        var harness = Self.open()
        harness.keys("End")
        let (focus, turn) = try Self.turn(harness)
        #expect(focus.position == 255 && turn.token == 14 && focus.token == 14 && turn.keepsNorm)
        let pair = turn.pairs[0]
        #expect(abs(pair.angle - 255) < 1e-3 && abs(pair.cos - cos(255)) < 1e-6)
        #expect(abs(pair.before[1] * pair.cos + pair.before[0] * pair.sin - pair.after[1]) < 1e-5)
        #expect(harness.text.contains("as if there"))
    }

    // MARK: distances

    /// At distance 0 the curve is the diagonal of the recorded scores: only the distance counts.
    @Test func theScoreAtNoDistanceIsTheDiagonals() throws {
        var harness = Self.open()
        let focus = try #require(harness.session.ropeFocus)
        let scores = try #require(harness.snapshot?.stepper.program.attention(layer: 2)?.scores)
        let recorded = try Self.tensor(harness, scores)
        for (head, position) in [(0, 3), (5, 14), (7, 9)] {
            guard case .distances(let curve) = try Self.answer(&harness, .distances(layer: 2, head: head, position: position, count: 40))
            else {
                return
            }
            let diagonal = try #require(recorded.value(at: [head, position, position]))
            #expect(abs(Double(curve.own[0]) - diagonal) < 1e-4 * max(1, abs(diagonal)))
            #expect(curve.own.count == 40 && curve.difference < 1e-4)
            // 2 Σ cos 0 over √d.
            #expect(abs(Double(curve.ones[0]) - Double(focus.values.dimension) * focus.values.scale) < 1e-5)
        }
    }

    // MARK: moving

    @Test func theCursorStaysInside() throws {
        var harness = Self.open()
        harness.keys("g g h k { [ [ [ [ [ [ [")
        var focus = try #require(harness.session.ropeFocus)
        #expect(focus.position == 0 && focus.pair == 0 && focus.head == 0 && focus.layer == 0)
        harness.keys("G j l ] ] ] ] ] ] ] ]")
        harness.command("head 7")
        harness.keys("}")
        focus = try #require(harness.session.ropeFocus)
        #expect(focus.position == 255 && focus.pair == 7 && focus.head == 7 && focus.layer == 5)
        harness.keys("v x")
        #expect(harness.text.contains("sin(m·θᵢ)"))
    }

    @Test func aCachedPassTurnsItsOwnToken() throws {
        var harness = Self.open()
        harness.keys("> >")
        let (focus, turn) = try Self.turn(harness)
        #expect(focus.position == 16 && turn.token == 16 && focus.isInPass && turn.keepsNorm)
    }

    // MARK: models without it

    @Test func learnedPositionsAreShownInstead() throws {
        var harness = Self.open(.gpt2)
        #expect(harness.session.ropeFocus == nil)
        let focus = try #require(harness.session.learnedFocus)
        #expect(focus.learned.positions == 256 && focus.learned.features == 128 && focus.position == 14)
        #expect(harness.text.contains("GPT-2 does not turn its queries and keys."))
        #expect(harness.text.contains("wpe"))
        harness.keys("l j")
        #expect(harness.session.learnedFocus?.position == 15 && harness.session.learnedFocus?.feature == 1)
        harness.keys("[ ] { } v x Enter")
    }

    // MARK: looks

    @Test(arguments: [("sin", "v x j j"), ("beyond", "L L L L L L L L L j"), ("cached", "> >")])
    func looksAsItDid(_ name: String, _ keys: String) throws {
        for size in [Size(60, 16), Size(80, 24), Size(160, 48)] {
            var harness = Self.open(size: size)
            harness.keys(keys)
            try ScreenGolden.compare(harness.draw(), "rope-\(name)-\(size.width)x\(size.height)")
        }
    }

    @Test func learnedPositionsLookAsTheyDid() throws {
        for size in [Size(60, 16), Size(80, 24), Size(160, 48)] {
            try ScreenGolden.compare(Self.open(.gpt2, size: size).draw(), "rope-learned-\(size.width)x\(size.height)")
        }
    }
}
