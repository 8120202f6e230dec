import Engine
import Foundation
import Screen
import Tensors
import Testing
import Workbench

/// Screen 2: every number on it is the engine's.
@Suite struct AttentionTests {
    private static func open(_ sample: Harness.Sample = .llama, size: Size = Size(160, 48)) -> Harness {
        var harness = Harness.open(sample, size: size)
        harness.screen(.attention)
        return harness
    }

    private static func numbers(_ harness: Harness, _ id: Int, head: Int) throws -> [Float] {
        try #require(try harness.snapshot?.stepper.tensor(id))[head].floats()
    }

    private static func cell(_ harness: Harness) throws -> (focus: AttentionFocus, cell: AttentionCell) {
        let focus = try #require(harness.session.attentionFocus)
        let request = Request.attention(.cell(layer: focus.layer, head: focus.head, row: focus.row, key: focus.key))
        guard case .attention(.cell(let cell))? = harness.session.answers[request] else { throw Missing(what: "the cell's numbers") }
        return (focus, cell)
    }

    struct Missing: Error { let what: String }

    // MARK: numbers

    @Test(arguments: Harness.Sample.allCases)
    func everyLayerIsFoundWhateverItsName(_ sample: Harness.Sample) throws {
        let program = try #require(Self.open(sample).snapshot?.stepper.program)
        #expect(program.attentionLayers == Array(0..<6))
        for layer in 0..<6 {
            let values = try #require(program.attention(layer: layer))
            #expect(program.values[values.probs].name.hasSuffix(".probs") && program.values[values.scores].name.hasSuffix(".scores"))
            #expect(values.heads == 8 && values.keyHeads == (sample == .llama ? 2 : 8))
            #expect(values.keyHead(of: 7) == (sample == .llama ? 1 : 7))
        }
    }

    @Test(arguments: Harness.Sample.allCases)
    func theCellsFormulaGivesWhatTheRunRecorded(_ sample: Harness.Sample) throws {
        var harness = Self.open(sample)
        for _ in 0..<6 {
            let (focus, cell) = try Self.cell(harness)
            let score = try Self.numbers(harness, focus.values.scores, head: focus.head)[focus.row * focus.values.keys + focus.key]
            let p = try Self.numbers(harness, focus.values.probs, head: focus.head)[focus.row * focus.values.keys + focus.key]
            #expect(abs(cell.scaled - Double(score)) <= 1e-5 * max(1, abs(cell.scaled)))
            #expect(abs(cell.dot * focus.values.scale - cell.scaled) <= 1e-5 * max(1, abs(cell.scaled)))
            #expect(abs(cell.exponential / cell.sum - Double(p)) < 1e-6)
            #expect(cell.probability == Double(p) && cell.score == Double(score) && !cell.isHidden)
            harness.keys("k h [ }")
        }
    }

    @Test func aHiddenCellSaysWhyAndHasNoProbability() throws {
        var harness = Self.open()
        harness.keys("g g l l l")
        let (focus, cell) = try Self.cell(harness)
        #expect(focus.isHidden && cell.isHidden && cell.score == -.infinity && cell.probability == 0 && cell.dot.isFinite)
        #expect(harness.text.contains("hidden: it comes later"))
    }

    @Test func entropiesAndSumsAreTheRows() throws {
        let harness = Self.open()
        let focus = try #require(harness.session.attentionFocus)
        let probs = try Self.numbers(harness, focus.values.probs, head: focus.head).map(Double.init)
        let row = probs[(focus.row * focus.values.keys)...].prefix(focus.values.keys)
        let request = Request.attention(.query(layer: focus.layer, head: focus.head, row: focus.row, count: 64))
        guard case .attention(.query(let query))? = harness.session.answers[request] else { throw Missing(what: "the query") }
        #expect(abs(query.sum - row.reduce(0, +)) < 1e-12 && query.sumsToOne)
        #expect(abs(query.entropy + row.filter { $0 > 0 }.reduce(0) { $0 + $1 * log($1) }) < 1e-9)
        #expect(query.top.map(\.probability) == query.top.map(\.probability).sorted(by: >))
        #expect(query.top.first?.key == focus.key)
        #expect(harness.text.contains("sums to 1.000000 ✓"))
    }

    // MARK: pictures

    /// One causal head of four tokens.
    private static func values() throws -> AttentionValues {
        var graph = Graph()
        _ = graph.module("layers.0") { graph in
            let q = graph.input("q", Shape((.head, 1), (.token, 4), (.feature, 2)))
            let scores = graph.apply(AttentionScores(scale: 1, mask: AttentionMask()), [q, q], as: "scores")
            return graph.apply(Softmax(mask: AttentionMask()), [scores], as: "probs")
        }
        return try #require(try Program(graph).attention(layer: 0))
    }

    /// What is hidden is background, unless it holds something it must not.
    @Test func hiddenCellsAreMaskedAndFaultsAreSeen() throws {
        let values = try Self.values()
        var numbers: [Float] = [1, 0, 0, 0, 0.5, 0.5, 0, 0, 0.2, 0.3, 0.5, 0, 0.1, 0.2, 0.3, 0.4]
        let clean = AttentionPlane(values, numbers, hidden: 0)
        #expect(try clean.grid(rows: 4, columns: 4, threads: 1).flags.map { $0 == PooledGrid.masked } == (0..<16).map { $0 % 4 > $0 / 4 })
        #expect(clean.counts == HeatCounts())
        (numbers[3], numbers[4], numbers[2]) = (0.25, .nan, .infinity)
        let faulty = AttentionPlane(values, numbers, hidden: 0)
        let grid = try faulty.grid(rows: 4, columns: 4, threads: 1)
        #expect(grid.flags[3] == PooledGrid.finite && grid.values[3] == 0.25)
        #expect(grid.flags[4] & PooledGrid.nan != 0 && grid.flags[2] & PooledGrid.posInf != 0)
        #expect(faulty.counts.nan == 1 && faulty.counts.posInf == 1)
        let pooled = try faulty.grid(rows: 2, columns: 2, threads: 1)
        #expect(pooled.flags[0] & PooledGrid.nan != 0 && pooled.flags[1] & PooledGrid.posInf != 0)
        #expect(AttentionPlane.entropy([0, .nan, 1]).isNaN)
    }

    @Test func theMaskIsWhereTheScoresAreMinusInfinity() throws {
        var scores: [Float] = (0..<16).map { $0 % 4 > $0 / 4 ? -.infinity : 1 }
        #expect(try AttentionPlane(Self.values(), scores, hidden: -.infinity).isMaskedExactly)
        scores[1] = 0
        #expect(try !AttentionPlane(Self.values(), scores, hidden: -.infinity).isMaskedExactly)
        var harness = Self.open()
        harness.keys("v m v m")
        #expect(harness.text.contains("seen 120   −∞ hidden 105   causal   scores −∞ exactly there ✓"))
    }

    // MARK: moving

    @Test func theCursorStaysInside() throws {
        var harness = Self.open()
        harness.keys("g g k h { { { [ [ [ [ [ [ [ [")
        var focus = try #require(harness.session.attentionFocus)
        #expect(focus.index == [0, 0, 0] && focus.layer == 0)
        harness.keys("G j l } } } } } } } } } ] ] ] ] ] ] ] ]")
        focus = try #require(harness.session.attentionFocus)
        #expect(focus.index == [7, 14, 14] && focus.layer == 5)
        harness.command("head 3")
        harness.command("layer 2")
        focus = try #require(harness.session.attentionFocus)
        #expect(focus.head == 3 && focus.layer == 2)
    }

    @Test func enterAsksWhereTheProbabilityCameFrom() throws {
        var harness = Self.open()
        harness.keys("} k")
        let focus = try #require(harness.session.attentionFocus)
        harness.keys("Enter")
        #expect(harness.session.overlay == .lineage(ValueRef(id: focus.values.probs), index: focus.index, selection: 0))
        #expect(harness.session.cursorIndex == focus.index && harness.selected.hasSuffix("self_attn.probs"))
        #expect(harness.text.contains("softmax:"))
        harness.keys("q v m Enter")
        #expect(harness.selected.hasSuffix("self_attn.scores"))
    }

    @Test func headsAreChosenAmongAllAndEnterLooksAtOne() throws {
        var harness = Self.open()
        harness.keys("a l l")
        #expect(harness.session.attention.head == 2)
        harness.keys("j")
        #expect(harness.session.attention.head > 2)
        harness.keys("Enter")
        #expect(!harness.session.attention.showsAllHeads)
        harness.keys("Tab h")
        #expect(harness.session.attention.showsAllHeads == false && harness.text.contains("▸H"))
    }

    @Test func theKeysPaneWalksTheRanking() throws {
        var harness = Self.open()
        let first = try #require(harness.session.attentionFocus?.key)
        harness.keys("Tab Tab j")
        let second = try #require(harness.session.attentionFocus)
        let probs = try Self.numbers(harness, second.values.probs, head: second.head)[(second.row * second.values.keys)...]
        let order = Array(probs.prefix(second.values.keys)).enumerated().sorted { $0.element > $1.element }.map(\.offset)
        #expect([first, second.key] == Array(order.prefix(2)))
    }

    // MARK: passes with a cache

    @Test(arguments: Harness.Sample.allCases)
    func aCachedPassHasOneQueryAndAllKeys(_ sample: Harness.Sample) throws {
        var harness = Self.open(sample, size: Size(80, 24))
        harness.keys("> >")
        let focus = try #require(harness.session.attentionFocus)
        #expect(focus.values.queries == 1 && focus.values.keys == 17 && focus.past == 16 && focus.query == 16)
        #expect(focus.values.visible(0) == 0..<17)
        #expect(harness.text.contains("one query; keys 0–15 come from the cache"))
        let (_, cell) = try Self.cell(harness)
        #expect(abs((cell.score ?? .nan) - cell.scaled) < 1e-4)
        harness.keys("<")
        #expect(harness.session.attentionFocus?.query == 15)
        harness.keys("<")
        #expect(harness.session.attentionFocus?.values.queries == 15)
    }

    @Test func saysWhatIsMissingBeforeTheLayerRan() {
        var harness = Harness.open(runs: false)
        harness.screen(.attention)
        #expect(harness.text.contains("The run stands before layer"))
        harness.keys("Enter")
        #expect(harness.session.overlay == nil && harness.session.message != nil)
        harness.command("layer 0")
        harness.command("step 20")
        #expect(!harness.text.contains("The run stands before layer"))
    }

    // MARK: looks

    @Test(arguments: [
        ("scores", "v m"), ("mask", "v m v m"), ("log", "v l"), ("heads", "a }"), ("cached", "> >"), ("layer0", "[ [ [ [ [ } k k"),
    ])
    func looksAsItDid(_ name: String, _ keys: String) throws {
        for size in [Size(60, 16), Size(80, 24), Size(160, 48)] {
            var harness = Self.open(size: size)
            harness.keys(keys)
            try ScreenGolden.compare(harness.draw(), "attention-\(name)-\(size.width)x\(size.height)")
        }
    }
}

/// Screens as text files beside the tests. `MICA_UPDATE=1` writes them anew, to be looked at.
enum ScreenGolden {
    static func compare(_ surface: Surface, _ name: String) throws {
        let folder = Harness.root + "/Tests/WorkbenchTests/Golden"
        let (path, text) = ("\(folder)/\(name).txt", SurfaceExport.text(surface))
        if ProcessInfo.processInfo.environment["MICA_UPDATE"] != nil {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let wanted = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == wanted, "\(name) looks different:\n\(text)")
    }
}
