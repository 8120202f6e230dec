import Engine
import Screen
import Testing
import Workbench

/// Keys, commands, help and hints are one table; here is what must hold of it.
@Suite struct KeyTests {
    static let pages = PageCatalogue.all.map { $0.id }

    @Test(arguments: pages)
    func keysAreUniqueOnAPage(_ page: PageID) {
        for own in [page, nil] as [PageID?] {
            let sequences = KeyMap.all.filter { $0.page == own }.map(\.keys)
            #expect(Set(sequences).count == sequences.count, "\(sequences.filter { keys in sequences.count { $0 == keys } > 1 })")
        }
    }

    /// No box and no line keeps the way to the shell shut, and neither is closed by it.
    @Test(arguments: ["Q", "c k", "?", ":", "/", "T"])
    func theTerminalsKeysWorkEverywhere(_ opens: String) {
        var harness = Harness.open()
        harness.keys(opens)
        let (box, line) = (harness.session.overlay, harness.session.line?.text)
        #expect(box != nil || line != nil)
        harness.keys("C-z C-l")
        let kinds = harness.effects.suffix(2).map { effect in
            switch effect {
            case .suspend: "suspend"
            case .redraw: "redraw"
            default: "other"
            }
        }
        #expect(kinds == ["suspend", "redraw"])
        #expect(harness.session.overlay == box && harness.session.line?.text == line)
    }

    @Test func pastedTextSaysWhereItGoes() {
        var harness = Harness.open()
        harness.input(.paste("precision bf16"))
        #expect(harness.session.message?.text.hasPrefix("pasted text goes into a line") == true)
        harness.keys(":")
        harness.input(.paste("precision bf16"))
        #expect(harness.session.line?.text == "precision bf16" && harness.session.message == nil)
    }

    /// No binding hides a longer one behind it.
    @Test(arguments: pages)
    func noKeyIsAlsoAPrefix(_ page: PageID) {
        let here = KeyMap.all.filter { $0.page == nil || $0.page == page }
        for binding in here {
            let longer = here.filter { $0.sequence.count > binding.sequence.count && $0.sequence.starts(with: binding.sequence) }
            #expect(longer.isEmpty, "\(binding.keys) hides \(longer.map(\.keys))")
            #expect(!KeyMap.startsMark(Array(binding.sequence.prefix(1))))
        }
    }

    @Test(arguments: KeyMap.all)
    func everyKeyIsReadAndItsCommandExists(_ binding: Binding) {
        #expect(binding.sequence.count == binding.keys.split(separator: " ").count)
        #expect(Command.find(String(binding.line.prefix { $0 != " " })) != nil)
    }

    @Test(arguments: Command.all.map(\.name))
    func commandsAreDescribed(_ name: String) throws {
        let command = try #require(Command.find(name))
        #expect(command.name == name)
        #expect(command.help.count > 5 && !command.help.hasSuffix("."))
        #expect(Command.all.count { $0.name == name || $0.aliases.contains(name) } == 1)
        #expect(Completion.lines(String(name.dropLast()), session: Session(size: Size(80, 24))).contains(name))
    }

    @Test(arguments: pages)
    func bindingsAreInTheHelp(_ page: PageID) {
        let text = HelpText.lines(page: page, filter: "").map(\.text).joined(separator: "\n")
        for command in Command.all { #expect(text.contains(":" + command.name)) }
        for binding in KeyMap.all where binding.page == nil || binding.page == page {
            #expect(text.contains(binding.keys.replacing(" ", with: "")), "\(binding.keys)")
        }
    }

    @Test(arguments: pages)
    func atLeastSixHintsAt80Columns(_ page: PageID) {
        var harness = Harness.open()
        harness.screen(page)
        #expect(HintBar(Drawing.hints(harness.session)).fitting(80) >= 6)
        #expect(harness.text.contains("? help"))
    }

    @Test(arguments: pages)
    func tabsOpenByTheirDigit(_ page: PageID) {
        var harness = Harness.open()
        let key = PageCatalogue.page(page).key
        harness.keys("\(key)")
        #expect(harness.session.page == page)
        #expect(harness.text.contains("\(key) \(PageCatalogue.page(page).title)"))
    }

    @Test func readmeTableNamesEveryCommand() {
        for command in Command.all { #expect(HelpText.markdown.contains("`:\(command.name)")) }
    }

    // MARK: the line

    @Test func pastedTextNeverRuns() {
        var harness = Harness.open()
        let cursor = harness.snapshot?.stepper.cursor
        for text in [":quit\nq\n", "quit", "q", "S", "step-back"] { harness.input(.paste(text)) }
        #expect(harness.effects.isEmpty)
        #expect(harness.snapshot?.stepper.cursor == cursor)
        #expect(harness.session.line == nil)
        harness.keys(":")
        harness.input(.paste("quit\nstep\n"))
        #expect(harness.effects.isEmpty)
        #expect(harness.session.line?.text == "quit step ")
    }

    @Test func tabCompletesAndGoesRound() {
        var harness = Harness.open()
        harness.keys(":")
        harness.type("next-")
        harness.keys("Tab")
        #expect(harness.session.line?.text == "next-token")
        harness.keys("C-u")
        harness.type("goto model.layers.3.mlp")
        harness.keys("Tab")
        let first = harness.session.line?.text
        harness.keys("Tab")
        #expect(harness.session.line?.text != first)
        #expect(harness.session.line?.text.hasPrefix("goto model.layers.3.mlp") == true)
    }

    @Test func theLineKeepsItsArrows() {
        var harness = Harness.open()
        let place = harness.session.place
        harness.keys(":")
        harness.type("stp")
        harness.keys("Left")
        harness.type("e")
        #expect(harness.session.line?.text == "step")
        harness.keys("Home C-k")
        #expect(harness.session.line?.text == "")
        harness.type("hex")
        harness.keys("Enter : Up")
        #expect(harness.session.line?.text == "hex")
        harness.keys("Esc")
        #expect(harness.session.line == nil)
        #expect(harness.session.place == place)
    }

    @Test func anUnknownKeySaysSo() {
        var harness = Harness.open()
        harness.keys("Z")
        #expect(harness.text.contains("Z is not bound here"))
        harness.keys("j")
        #expect(!harness.text.contains("is not bound here"))
    }

    @Test func anUnknownCommandSaysSo() {
        var harness = Harness.open()
        harness.keys(":")
        harness.type("frobnicate")
        harness.keys("Enter")
        #expect(harness.text.contains("there is no command 'frobnicate'"))
    }

    /// A prefix shows what may follow after a pause; the next key is never swallowed.
    @Test func aPrefixShowsWhatMayFollow() {
        var harness = Harness.open()
        harness.keys("g")
        harness.workbench.send(.pause)
        #expect(harness.text.contains("g…"))
        let row = harness.session.place.row
        harness.keys("j")
        #expect(harness.session.pending.isEmpty)
        #expect(harness.session.place.row == row || harness.session.message == nil)
        #expect(!harness.text.contains("g…"))
    }

    @Test func helpFiltersByTyping() {
        var harness = Harness.open()
        harness.keys("?")
        harness.type("watchpoint")
        #expect(harness.text.contains(":clear-stops"))
        #expect(!harness.text.contains(":zoom"))
        harness.keys("Esc")
        #expect(harness.session.overlay == nil)
    }

    @Test func thePaletteRuns() {
        var harness = Harness.open()
        harness.keys("C-p")
        harness.type("transp")
        harness.keys("Enter")
        #expect(harness.session.view.isTransposed)
        #expect(harness.session.overlay == nil)
    }
}
