import Engine
import Screen
import Tensors

/// The boxes above the panes.
enum Boxes {
    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        switch session.overlay {
        case .help(let filter, let scroll): help(session, &surface, area, filter, scroll)
        case .palette(let filter, let selection): palette(&surface, area, filter, selection)
        case .themes(let selection, _): list(&surface, area, "Themes", "Enter keeps  Esc cancels", session.themes, selection)
        case .lineage(let value, let index, let selection): LineageBox.draw(session, &surface, area, value, index, selection)
        case .text(let title, let lines, let scroll):
            let width = min(lines.map(VisibleText.width).max() ?? 0, area.width - 6)
            let inside = Overlay(title, label: "q close", size: Size(max(width, 30), min(lines.count, area.height - 4))).draw(
                into: &surface, in: area)
            Prose(lines: lines.map { Line($0, .overlay) }).draw(into: &surface, in: inside, first: scroll)
        case .edits(let selection): EditsBox.draw(session, &surface, area, selection)
        case .kernels(let value, let selection): KernelsBox.draw(session, &surface, area, value, selection)
        case .quirks(let selection): QuirksBox.draw(session, &surface, area, selection)
        case .scan(let row, let column): ScanBox.draw(session, &surface, area, Point(column, row))
        case .compared(let scroll): CompareBox.draw(session, &surface, area, scroll)
        case .beforeAfter(let scroll): BeforeAfterBox.draw(session, &surface, area, scroll)
        case .blame(let selection): BlameBox.draw(session, &surface, area, selection)
        case .kept(let selection): KeepBox.draw(session, &surface, area, selection)
        case .adapter: AdapterBox.draw(session, &surface, area)
        case .finetune(let selection): FinetuneBox.draw(session, &surface, area, selection)
        case nil: whichKey(session, &surface, area)
        }
    }

    /// What may follow the keys pressed so far.
    private static func whichKey(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        guard session.showsNextKeys else { return }
        var lines: [Line] = []
        if case .prefix(let bindings) = KeyMap.match(session.pending, on: session.page, own: session.ownBindings) {
            lines = bindings.map { binding in
                let next = binding.sequence.dropFirst(session.pending.count).map(\.description).joined(separator: " ")
                return [
                    Span(next, .key), Span("  \(Command.find(String(binding.line.prefix { $0 != " " }))?.help ?? binding.line)", .overlay),
                ]
            }
        } else if KeyMap.startsMark(session.pending) {
            lines = [session.pending[0].typed == "m" ? "a letter sets a mark here" : "a letter goes to its mark"]
        }
        guard !lines.isEmpty else { return }
        let width = min(lines.map(\.width).max() ?? 0, area.width - 6)
        let title = session.pending.map(\.description).joined(separator: " ") + "…"
        let inside = Overlay(title, size: Size(width, min(lines.count, area.height - 2)), place: .corner).draw(into: &surface, in: area)
        Prose(lines: lines).draw(into: &surface, in: inside)
    }

    private static func help(_ session: Session, _ surface: inout Surface, _ area: Rect, _ filter: String, _ scroll: Int) {
        let lines = HelpText.lines(page: session.page, filter: filter)
        let inside = Overlay(
            "Help: \(PageCatalogue.page(session.page).title)", label: filter.isEmpty ? "type to filter  q close" : "filter: \(filter)",
            size: Size(min(96, area.width - 6), area.height - 4)
        ).draw(into: &surface, in: area)
        Prose(lines: lines).draw(into: &surface, in: inside, first: min(scroll, max(lines.count - inside.height, 0)))
    }

    private static func palette(_ surface: inout Surface, _ area: Rect, _ filter: String, _ selection: Int) {
        let found = Palette.commands(filter)
        let size = Size(min(90, area.width - 6), min(found.count + 1, area.height - 4))
        let inside = Overlay("Commands", label: "Enter runs  Esc closes", size: size).draw(into: &surface, in: area)
        surface.put(inside.x, inside.y, Line("> \(filter)▏", .prompt), width: inside.width)
        let columns = [
            TableView.Column("", width: .fixed(20)), TableView.Column("", width: .fixed(10)), TableView.Column("", width: .rest),
        ]
        TableView(columns, count: found.count, selection: min(selection, max(found.count - 1, 0))) { row in
            let command = found[row]
            return [Span(command.name, .emphasis), Span(HelpText.keys(command.name), .key), Span(command.help, .overlay)]
        }.draw(into: &surface, in: Rect(inside.x, inside.y + 1, inside.width, inside.height - 1))
    }

    private static func list(_ surface: inout Surface, _ area: Rect, _ title: String, _ label: String, _ items: [String], _ selection: Int)
    {
        let inside = Overlay(title, label: label, size: Size(40, min(items.count, area.height - 4)), place: .corner).draw(
            into: &surface, in: area)
        TreeView(items.map { TreeView.Row(Line($0, .overlay)) }, selection: selection).draw(into: &surface, in: inside)
    }
}

/// Commands that a filter finds: all its letters in order, whole words first.
package enum Palette {
    package static func commands(_ filter: String) -> [Command] {
        let filter = filter.lowercased()
        let whole = Command.all.filter { $0.name.contains(filter) || $0.help.lowercased().contains(filter) }
        let loose = Command.all.filter { command in !whole.contains { $0.name == command.name } && hasLetters(command.name, filter) }
        return filter.isEmpty ? Command.all : whole + loose
    }

    private static func hasLetters(_ text: String, _ filter: String) -> Bool {
        var rest = Substring(text)
        return filter.allSatisfy { letter in
            guard let at = rest.firstIndex(of: letter) else { return false }
            rest = rest[rest.index(after: at)...]
            return true
        }
    }
}

/// The help screen's text, made from the bindings and the commands.
package enum HelpText {
    package static func lines(page: PageID, filter: String) -> [Line] {
        var lines: [Line] = []
        for group in Command.Group.allCases {
            let rows = Command.all.filter { $0.group == group && matches($0, filter) }
            guard !rows.isEmpty else { continue }
            lines.append(Line(group.rawValue.uppercased(), .heading))
            lines += rows.flatMap { rowsOf($0, page) }
            lines.append([])
        }
        return lines.isEmpty ? [Line("nothing matches '\(filter)'", .warn)] : lines
    }

    /// A row for each way in which keys call the command, so that every key of the page is there.
    private static func rowsOf(_ command: Command, _ page: PageID) -> [Line] {
        let bindings = bindings(command.name, page: page)
        let lines = bindings.map(\.line).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
        return (lines.isEmpty ? [command.name] : lines).enumerated().map { number, line in
            let keys = bindings.filter { $0.line == line }.map { $0.keys.replacing(" ", with: "") }.joined(separator: " ")
            return [
                Span(" " + padded(keys, 16), .key), Span(padded(":" + line, 20), .emphasis),
                Span(number == 0 ? command.help : "", .overlay),
            ]
        }
    }

    private static func matches(_ command: Command, _ filter: String) -> Bool {
        filter.isEmpty || command.name.contains(filter) || command.help.lowercased().contains(filter.lowercased())
            || keys(command.name).contains(filter)
    }

    /// The keys of a command; on a page, those that mean it there.
    package static func keys(_ name: String, page: PageID? = nil) -> String {
        bindings(name, page: page).map { $0.keys.replacing(" ", with: "") }.joined(separator: " ")
    }

    private static func bindings(_ name: String, page: PageID?) -> [Binding] {
        KeyMap.all.filter { $0.line.prefix { $0 != " " } == name && (page == nil || $0.page == nil || $0.page == page) }
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        VisibleText.cut(text, to: width - 1).padding(width)
    }

    /// The README's table of keys.
    package static var markdown: String {
        var rows = ["| keys | command | what it does |", "|---|---|---|"]
        for command in Command.all {
            let keys = keys(command.name)
            let shown = keys.isEmpty ? "" : keys.split(separator: " ").map { "`\($0.replacing("|", with: "\\|"))`" }.joined(separator: " ")
            let line = ([command.name, command.arguments].filter { !$0.isEmpty }).joined(separator: " ").replacing("|", with: "\\|")
            rows.append("| \(shown) | `:\(line)` | \(command.help) |")
        }
        return rows.joined(separator: "\n")
    }
}

extension String {
    func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - VisibleText.width(self))) }
}

/// Where a number came from and where it went: sources by size of their term, then readers.
enum LineageBox {
    struct Target {
        let value: Int
        let index: [Int]
    }

    static func targets(_ session: Session, _ value: ValueRef, _ index: [Int]) -> [Target] {
        guard case .lineage(let lineage, let uses)? = session.answers[.lineage(value, index: index)] else { return [] }
        return lineage.sources.map { Target(value: $0.value, index: $0.index) } + uses.map { Target(value: $0.value, index: $0.index) }
    }

    static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, _ value: ValueRef, _ index: [Int], _ selection: Int) {
        guard let program = session.snapshot?.stepper(level: value.level)?.program, program.values.indices.contains(value.id) else {
            return
        }
        let size = Size(min(92, area.width - 6), area.height - 4)
        let inside = Overlay(
            "Where from: \(Names.short(program.values[value.id].name)) \(index)", label: "Enter goes there  q close", size: size
        )
        .draw(into: &surface, in: area)
        guard case .lineage(let lineage, let uses)? = session.answers[.lineage(value, index: index)] else {
            if case .failed(let why)? = session.answers[.lineage(value, index: index)] { surface.put(inside.x, inside.y, why, .warn) }
            return
        }
        let op = program.values[value.id].step.map { program.steps[$0].op.card }
        surface.put(inside.x, inside.y, Line("= \(Numbers.exact(Float(lineage.number)))", .emphasis), width: inside.width)
        surface.put(
            inside.x, inside.y + 1, Line(op.map { "\($0.name):  \($0.formula)" } ?? "given, not computed", .formula), width: inside.width)
        table(lineage, uses, program, selection).draw(into: &surface, in: Rect(inside.x, inside.y + 3, inside.width, inside.height - 3))
    }

    private static func table(_ lineage: Lineage, _ uses: [Lineage.Use], _ program: Program, _ selection: Int) -> TableView {
        let columns = [
            TableView.Column("", width: .fixed(4)), TableView.Column("value", width: .rest), TableView.Column("element", width: .fixed(14)),
            TableView.Column("number", width: .fixed(12), align: .right), TableView.Column("× weight", width: .fixed(12), align: .right),
            TableView.Column("= term", width: .fixed(12), align: .right),
        ]
        return TableView(columns, count: lineage.sources.count + uses.count, selection: selection) { row in
            if row < lineage.sources.count {
                let source = lineage.sources[row]
                return [
                    Span("from", .dim), Span(Names.short(program.values[source.value].name)), Span("\(source.index)", .dim),
                    Span(Numbers.compact(source.number, digits: 5)), Span(Numbers.compact(source.weight, digits: 5)),
                    Span(Numbers.compact(source.term, digits: 5), .emphasis),
                ]
            }
            let use = uses[row - lineage.sources.count]
            return [
                Span("to", .accent), Span(Names.short(program.values[use.value].name)), Span("\(use.index)", .dim), Span(""), Span(""),
                Span(Numbers.compact(use.term, digits: 5), .emphasis),
            ]
        }
    }
}
