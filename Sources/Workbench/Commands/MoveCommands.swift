import Engine
import Screen

extension Command {
    static let moveCommands: [Command] = [
        Command(
            "move", "left|right|up|down|half-up|half-down|page-up|page-down|first|last|row-start|row-end [N]", .move,
            "move the cursor of the focused pane"
        ) {
            session, arguments throws(CommandError) in
            let count = try arguments.integer(1, default: 1)
            guard let step = Command.step(arguments[0] ?? "", count) else { throw CommandError("where to? left, right, up, down, …") }
            session.move(step)
            return []
        },
        Command("layer", "±N|N", .move, "the same in another layer") { session, arguments throws(CommandError) in
            let by = try session.relative(arguments[0] ?? "+1", from: session.currentLayer)
            session.move(.layer(by))
            return []
        },
        Command("head", "±N|N", .move, "another head") { session, arguments throws(CommandError) in
            session.move(
                .head(
                    try session.relative(
                        arguments[0] ?? "+1", from: session.currentHead)))
            return []
        },
        Command("leading", "±N|N", .move, "another slice of the first axis") { session, arguments throws(CommandError) in
            session.move(.leading(try session.relative(arguments[0] ?? "+1", from: session.place.leading)))
            return []
        },
        Command("token", "±N|N", .move, "select a token of the text") { session, arguments throws(CommandError) in
            guard !session.tokenIDs.isEmpty else { throw CommandError("there is no text yet") }
            session.selectToken(session.tokenIndex + (try session.relative(arguments[0] ?? "+1", from: session.tokenIndex)))
            return []
        },
        Command("goto", "NAME", .move, "select a value or weight by name") { session, arguments throws(CommandError) in
            session.select(try session.value(in: arguments))
            return []
        },
        Command("goto-cursor", .move, "select what the next op writes") { session, _ throws(CommandError) in
            guard let snapshot = session.snapshot, let next = snapshot.walking.next else { throw CommandError.atTheEnd }
            session.select(ValueRef(level: snapshot.inner.count, id: next))
            return []
        },
        Command("open-selected", .move, "Enter: open or fold a module, show where a number came from") { session, _ throws(CommandError) in
            Drawing.focused(session)?.pane.activate(&session) ?? []
        },
        Command("up", .move, "up in the structure") { session, _ throws(CommandError) in
            session.move(.out)
            return []
        },
        Command("lineage", .move, "what the number under the cursor was computed from, and what reads it") {
            session, _ throws(CommandError) in
            guard session.selectedTensor != nil else { throw CommandError("the value has not been computed yet") }
            session.overlay = .lineage(session.place.value, index: session.cursorIndex, selection: 0)
            return []
        },
        Command("origin", .move, "go to the largest contribution to the number under the cursor") { session, _ throws(CommandError) in
            let (value, index) = (session.place.value, session.cursorIndex)
            guard case .lineage(let lineage, _)? = session.answers[.lineage(value, index: index)], let first = lineage.sources.first else {
                session.overlay = .lineage(value, index: index, selection: 0)
                return []
            }
            session.remember()
            session.select(ValueRef(level: value.level, id: first.value), remember: false)
            session.moveCursor(to: first.index)
            return []
        },
        Command("history-back", .move, "back to where one was before") { session, _ throws(CommandError) in
            guard let last = session.history.popLast() else { throw CommandError("this is where you began") }
            session.go(to: last)
            return []
        },
        Command("mark", "LETTER", .move, "remember this place under a letter") { session, arguments throws(CommandError) in
            guard let letter = arguments.text.first else { throw CommandError("which letter?") }
            session.marks[letter] = session.location
            session.say("mark \(letter)")
            return []
        },
        Command("jump", "LETTER", .move, "go to a mark") { session, arguments throws(CommandError) in
            guard let letter = arguments.text.first, let location = session.marks[letter] else {
                throw CommandError("no such mark; m and a letter sets one")
            }
            session.remember()
            session.go(to: location)
            return []
        },
        Command("pane", "next|previous", .move, "give the keyboard to another pane") { session, arguments throws(CommandError) in
            let count = max(Drawing.allPanes(session).count, 1)
            let step = arguments[0] == "previous" ? count - 1 : 1
            session.focus[session.page] = ((session.focus[session.page] ?? 0) + step) % count
            return []
        },
        Command("zoom", .move, "the focused pane alone, and back") { session, _ throws(CommandError) in
            session.isZoomed.toggle()
            return []
        },
        Command("screen", "SCREEN", .move, "open a screen by name or number") { session, arguments throws(CommandError) in
            let word = arguments[0] ?? ""
            guard
                let page = PageCatalogue.all.first(where: {
                    $0.id.rawValue == word || "\($0.key)" == word || $0.title.lowercased() == word.lowercased()
                })
            else { throw CommandError("there is no screen '\(word)'") }
            session.open(page.id)
            return []
        },
    ]

    private static func step(_ word: String, _ count: Int) -> Move? {
        switch word {
        case "left": .by(dx: -count, dy: 0)
        case "right": .by(dx: count, dy: 0)
        case "up": .by(dx: 0, dy: -count)
        case "down": .by(dx: 0, dy: count)
        case "half-up": .pages(-0.5)
        case "half-down": .pages(0.5)
        case "page-up": .pages(-1)
        case "page-down": .pages(1)
        case "first": .first
        case "last": .last
        case "row-start": .rowStart
        case "row-end": .rowEnd
        default: nil
        }
    }
}

extension Session {
    /// The focused pane's own cursor, then the page, then the plane of the selected value.
    package mutating func move(_ step: Move) {
        if let pane = Drawing.focused(self)?.pane, pane.move(&self, step) { return }
        if PageCatalogue.page(page).move(&self, step) { return }
        let height = Drawing.focused(self)?.rect.height ?? 20
        _ = movePlane(step, height: max(height - 4, 1))
    }

    var currentLayer: Int {
        switch page {
        case .attention: attention.layer
        case .rope: rope.layer
        case .tokens: lensStream.flatMap { snapshot?.stepper.program.values[$0].layer } ?? -1
        default: selectedValue?.layer ?? 0
        }
    }

    var currentHead: Int {
        switch page {
        case .attention: attention.head
        case .rope: rope.head
        default: place.leading
        }
    }

    /// `+2` and `-1` are steps, `5` is a place.
    func relative(_ word: String, from place: Int) throws(CommandError) -> Int {
        guard let number = Int(word) else { throw CommandError("'\(word)' is not a number") }
        return word.hasPrefix("+") || word.hasPrefix("-") ? number : number - place
    }

    /// Opens a screen on what is selected: a head's probabilities stay the same head's.
    package mutating func open(_ id: PageID) {
        guard id != page else { return }
        remember()
        if let layer = selectedValue?.layer {
            attention.layer = layer
            rope.layer = layer
        }
        page = id
        isZoomed = false
    }
}
