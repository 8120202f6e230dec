import Screen

extension Command {
    static let viewCommands: [Command] = [
        Command("colormap", "[sequential|attention|diverging|auto]", .view, "the colour map of pictures") {
            session, arguments throws(CommandError) in
            let order: [MapKind?] = [nil, .sequential, .attention, .diverging]
            let names = ["auto", "sequential", "attention", "diverging"]
            if let word = arguments[0] {
                guard let at = names.firstIndex(of: word) else { throw CommandError("there are \(names.joined(separator: ", "))") }
                session.view.map = order[at]
            } else {
                let at = order.firstIndex { $0 == session.view.map } ?? 0
                session.view.map = order[(at + 1) % order.count]
            }
            session.say("colour map: \(names[order.firstIndex { $0 == session.view.map } ?? 0])")
            return []
        },
        Command("scale", "[linear|log|symlog] | NAME[…] by F", .view, "how numbers become colours; or multiply a part of a value") {
            session, arguments throws(CommandError) in
            if arguments.words.contains("by") { return [try session.edit(.scale, arguments.text)] }
            session.view.scale = try Command.choice(arguments[0], session.view.scale)
            session.say("scale: \(session.view.scale.rawValue)")
            return []
        },
        Command("range", "[p99|p99.9|minmax|lock]", .view, "where the colours end; lock keeps this range for other values") {
            session, arguments throws(CommandError) in
            if arguments[0] == "lock" {
                session.toggleLock()
            } else {
                let next: ViewOptions.Range = try Command.choice(arguments[0], session.view.range)
                session.view.range = next == .locked ? .p99 : next
            }
            session.say("range: \(session.view.range.rawValue)")
            return []
        },
        Command("transpose", .view, "rows for columns") { session, _ throws(CommandError) in
            session.view.isTransposed.toggle()
            (session.place.row, session.place.column) = (session.place.column, session.place.row)
            session.clampPlace()
            return []
        },
        Command("hex", .view, "show the number under the cursor as bits too") { session, _ throws(CommandError) in
            session.view.showsHex.toggle()
            return []
        },
        Command("modules", "PATH,PATH", .view, "open these modules of the tree and no others") { session, arguments throws(CommandError) in
            session.tree.openOnly(Set(arguments.text.split(separator: ",").map(String.init)))
            return []
        },
        Command("attention-part", "[probs|scores|mask]", .view, "what the attention screen shows") {
            session, arguments throws(CommandError) in
            session.attention.part = try Command.choice(arguments[0], session.attention.part)
            return []
        },
        Command("attention-log", .view, "probabilities on a log scale") { session, _ throws(CommandError) in
            session.attention.isLog.toggle()
            return []
        },
        Command("all-heads", .view, "one head, or all heads of the layer") { session, _ throws(CommandError) in
            session.attention.showsAllHeads.toggle()
            return []
        },
        Command("rope-table", .view, "the table of cos, or of sin") { session, _ throws(CommandError) in
            session.rope.showsSin.toggle()
            return []
        },
        Command("token-colour", "[none|probability|entropy]", .view, "what the colour of a token tells") {
            session, arguments throws(CommandError) in
            session.tokens.colour = try Command.choice(arguments[0], session.tokens.colour)
            session.say("colour: \(session.tokens.colour.rawValue)")
            return []
        },
        Command("labels", "[on|off]", .view, "on Tokens: which tokens the loss counts, with their losses; alone: the other way") {
            session, arguments throws(CommandError) in
            if let word = arguments[0], word != "on", word != "off" { throw CommandError("'\(word)' is neither on nor off") }
            let shows = arguments[0].map { $0 == "on" } ?? (session.page != .tokens || !session.showsLabels)
            session.open(.tokens)
            (session.tokens.labels, session.focus[.tokens]) = (shows, 0)
            return []
        },
    ]

    /// The named case, or the one after the present.
    static func choice<Choice: RawRepresentable & CaseIterable & Equatable>(_ word: String?, _ now: Choice) throws(CommandError) -> Choice
    where Choice.RawValue == String {
        let all = Array(Choice.allCases)
        guard let word else { return all[((all.firstIndex(of: now) ?? 0) + 1) % all.count] }
        guard let choice = Choice(rawValue: word) else { throw CommandError("there are \(all.map(\.rawValue).joined(separator: ", "))") }
        return choice
    }
}

extension Session {
    fileprivate mutating func toggleLock() {
        guard view.range != .locked else {
            view.range = .p999
            return
        }
        view.lockedLimit = HeatMapPane.scale(self).map { max(abs($0.lo), abs($0.hi)) }
        view.range = .locked
    }
}
