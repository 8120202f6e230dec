import Engine
import Screen
import Testing
import Workbench

/// Every page at every size in every state of a run. A new page or pane is tested by being listed in its catalogue.
@Suite struct PageTests {
    static let sizes = [
        Size(1, 1), Size(2, 2), Size(10, 3), Size(40, 10), Size(59, 15), Size(60, 16), Size(79, 23), Size(80, 24), Size(100, 30),
        Size(139, 39),
        Size(140, 40), Size(160, 48), Size(200, 60),
    ]
    static let pages = PageCatalogue.all.map { $0.id }

    @Test(arguments: pages)
    func drawsWithNothingOpened(_ page: PageID) {
        var harness = Harness()
        harness.screen(page)
        drawEverywhere(&harness)
    }

    @Test(arguments: pages, Harness.Sample.allCases)
    func drawsAFinishedRun(_ page: PageID, _ sample: Harness.Sample) {
        var harness = Harness.open(sample)
        harness.screen(page)
        drawEverywhere(&harness)
    }

    @Test(arguments: pages)
    func drawsBeforeTheFirstOpAndWhileRunning(_ page: PageID) {
        var harness = Harness.open(runs: false)
        harness.screen(page)
        drawEverywhere(&harness)
        harness.command("run", ops: 31)
        #expect(harness.snapshot?.isRunning == true)
        drawEverywhere(&harness)
    }

    @Test(arguments: pages)
    func drawsAtEveryTenthStep(_ page: PageID) {
        var harness = Harness.open(runs: false)
        harness.screen(page)
        let steps = harness.snapshot?.stepper.program.steps.count ?? 0
        for cursor in stride(from: 10, through: steps, by: 10) {
            harness.command("step 10")
            #expect(harness.snapshot?.stepper.cursor == cursor)
            for size in [Size(80, 24), Size(160, 48)] { draw(&harness, size) }
        }
    }

    @Test(arguments: pages, ["model.layers.1.self_attn.probs", "model.layers.1.mlp.down_proj", "model.norm"])
    func drawsInsideAnOp(_ page: PageID, _ name: String) {
        var harness = Harness.open()
        harness.command("goto \(name)")
        harness.command("into")
        #expect(harness.snapshot?.inner.count == 1)
        harness.command("step")
        harness.screen(page)
        drawEverywhere(&harness)
    }

    @Test(arguments: pages, Harness.Sample.allCases)
    func drawsTokensFromTheCache(_ page: PageID, _ sample: Harness.Sample) {
        var harness = Harness.open(sample)
        harness.screen(page)
        for _ in 0..<3 { harness.command("next-token") }
        #expect(harness.snapshot?.past ?? 0 > 0)
        drawEverywhere(&harness)
        harness.keys("g g j j k l l h")
        drawEverywhere(&harness)
    }

    @Test(arguments: pages, [BoxCase("help"), BoxCase("palette"), BoxCase("themes"), BoxCase("lineage"), BoxCase("stops")])
    func drawsBoxes(_ page: PageID, _ box: BoxCase) {
        var harness = Harness.open()
        harness.screen(page)
        harness.command(box.command)
        #expect(harness.session.overlay != nil)
        drawEverywhere(&harness)
        harness.keys("Down Down PgDn Up")
        drawEverywhere(&harness)
        harness.keys("Esc")
        #expect(harness.session.overlay == nil)
    }

    struct BoxCase: Sendable, CustomTestStringConvertible {
        let command: String
        init(_ command: String) { self.command = command }
        var testDescription: String { command }
    }

    /// Each pane alone: zoomed, and on a small screen.
    @Test(arguments: pages)
    func drawsEachPaneAlone(_ page: PageID) {
        var harness = Harness.open()
        harness.screen(page)
        for size in [Size(60, 16), Size(160, 48)] {
            harness.resize(size)
            for _ in Drawing.allPanes(harness.session) {
                harness.command("zoom")
                #expect(Drawing.panes(harness.session).count == 1)
                draw(&harness, size)
                harness.keys("l l j j k h G g g Home End")
                draw(&harness, size)
                harness.command("zoom")
                harness.keys("Tab")
            }
        }
    }

    /// Panes lie inside the screen's area and do not overlap.
    @Test(arguments: pages, sizes)
    func panesTileTheScreen(_ page: PageID, _ size: Size) {
        var harness = Harness.open(size: size)
        harness.screen(page)
        let area = ScreenFrame(size).panes
        let rects = Drawing.panes(harness.session).map(\.rect)
        for (index, rect) in rects.enumerated() {
            #expect(rect.intersection(area) == rect)
            for other in rects[(index + 1)...] { #expect(rect.intersection(other).isEmpty) }
        }
    }

    @Test func saysWhatIsNeededWhenTooSmall() {
        let harness = Harness.open(size: Size(59, 15))
        #expect(harness.text.contains("need 60×16, have 59×15"))
    }

    private func drawEverywhere(_ harness: inout Harness) { for size in Self.sizes { draw(&harness, size) } }

    /// Draws at a size and looks at the bounds: a surface has exactly its size, and nothing of a pane lies over the frame of another.
    private func draw(_ harness: inout Harness, _ size: Size) {
        harness.resize(size)
        let surface = harness.draw()
        #expect(surface.size == size)
        #expect(surface.cells.count == size.width * size.height)
        guard Breakpoint(size) != .none else { return }
        for place in Drawing.panes(harness.session) where harness.session.overlay == nil && place.rect.width > 1 && place.rect.height > 1 {
            #expect(surface[place.rect.x, place.rect.y].glyph == "┌")
            #expect(surface[place.rect.right - 1, place.rect.bottom - 1].glyph == "┘")
            for y in place.rect.y + 1..<place.rect.bottom - 1 {
                #expect(surface[place.rect.x, y].glyph == "│" && surface[place.rect.right - 1, y].glyph == "│")
            }
        }
    }
}
