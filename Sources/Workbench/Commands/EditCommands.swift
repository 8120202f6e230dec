import Engine
import Models
import Screen

extension Command {
    static let editCommands: [Command] = [
        edit(.set, "overwrite a part of a value, a weight or an input; what follows is computed again"),
        edit(.shift, "add a number to a part of a value; shift position_ids by 8144 lets the text begin there"),
        edit(.zero, "set a part of a value to zero"), edit(.noise, "add normal noise; the same seed gives the same"),
        edit(.freeze, "keep the scale that a norm had in the unedited run"),
        edit(.mask, "let queries see a key, or not"), edit(.knockOut, "take a head, an MLP or an attention out"),
        Command("edit-value", .whatIf, "begin to overwrite the number under the cursor") { session, _ throws(CommandError) in
            let place = try session.editedPlace(session.cursorIndex)
            session.line = LineEditor(.command, text: "set \(place) = ")
            return []
        },
        Command("edits", .whatIf, "the edits and what each changed; x undoes one, u the last") { session, _ throws(CommandError) in
            session.overlay = .edits(selection: max(session.edits.items.count - 1, 0))
            return []
        },
        Command("undo", "[N]", .whatIf, "undo the last edit, or the Nth of the list") { session, arguments throws(CommandError) in
            let count = session.edits.items.count
            guard count > 0 else { throw CommandError("there is no edit to undo") }
            let number = try arguments.integer(0, default: count)
            guard (1...count).contains(number) else { throw CommandError("there are \(count) edits, 1…\(count)") }
            return [.engine(.whatIf(.remove(number - 1)))]
        },
        Command("clear-edits", .whatIf, "undo all edits") { session, _ throws(CommandError) in
            guard !session.edits.items.isEmpty else { throw CommandError("there is no edit to undo") }
            return [.engine(.whatIf(.removeAll))]
        },
        Command("save-edits", "FILE", .whatIf, "write the edits to a file for --edits") { session, arguments throws(CommandError) in
            guard let path = arguments[0] else { throw CommandError("which file?") }
            let file = EditFile(edits: session.edits.items.map(\.edit), runs: session.edits.runs)
            return [.write(file.text, to: path)]
        },
        Command(
            "patch-scan", "[residual|attention|mlp|heads] [from RUN] [answer TOKEN wrong TOKEN]", .whatIf,
            "copy a run into this one part by part; which part brings its answer back"
        ) { session, arguments throws(CommandError) in
            try session.needRun()
            return [try session.scan(arguments.words)]
        },
    ]

    /// A command that is an edit, in the words of `--edits` files; without a name it means the selected value.
    private static func edit(_ verb: EditVerb, _ help: String) -> Command {
        Command(verb.rawValue, verb.form, .whatIf, help) { session, arguments throws(CommandError) in
            [try session.edit(verb, arguments.text)]
        }
    }
}

extension Session {
    func edit(_ verb: EditVerb, _ text: String) throws(CommandError) -> Effect {
        try needRun()
        guard snapshot?.inner.isEmpty == true || verb == .mask || verb == .knockOut || !text.hasPrefix("[") else {
            throw CommandError("leave the op first (X)")
        }
        let name = text.hasPrefix("[") ? selectedValue?.name ?? "" : ""
        do throws(EditError) { return .engine(.whatIf(.add(try Edit("\(verb.rawValue) \(name)\(text)")))) } catch {
            throw CommandError(error.rule)
        }
    }

    /// `run B = "TEXT"`
    func runAside(_ text: String) throws(CommandError) -> Effect {
        do throws(EditError) { return .engine(.whatIf(.run(try RunPrompt.definition(text)))) } catch { throw CommandError(error.rule) }
    }

    /// Name and index of an element of the model's own values.
    fileprivate func editedPlace(_ index: [Int]) throws(CommandError) -> String {
        guard place.value.level == 0, let value = selectedValue else { throw CommandError("leave the op first (X)") }
        let past = snapshot?.past ?? 0
        // Tokens are counted from the beginning of the text.
        let places = zip(index, value.shape.axes).map { [.token, .query].contains($1.name) && value.role != .cache ? $0 + past : $0 }
        return "\(value.name)[\(places.map(String.init).joined(separator: ", "))]"
    }

    fileprivate mutating func scan(_ words: [String]) throws(CommandError) -> Effect {
        var words = words
        let names = PatchScan.What.allCases.map(\.rawValue)
        let what = words.first.flatMap { PatchScan.What(rawValue: $0) }
        if what != nil { words.removeFirst() }
        let question = try question(&words)
        guard words.isEmpty || (words.count == 2 && words[0] == "from") else {
            throw CommandError(
                "'\(words.joined(separator: " "))' cannot follow; there are \(names.joined(separator: ", ")), from RUN, answer TOKEN wrong TOKEN"
            )
        }
        guard let run = words.last ?? edits.runs.last?.name else {
            throw CommandError("there is no run to copy from; make one with :run B = \"TEXT\"")
        }
        return .engine(.whatIf(.scan(what ?? .residual, from: run, question)))
    }

    /// `answer TOKEN wrong TOKEN` at the end; it is taken away.
    private func question(_ words: inout [String]) throws(CommandError) -> PatchScan.Question? {
        guard let first = words.firstIndex(of: "answer") else { return nil }
        let named = Array(words[first...])
        guard named.count == 4, named[2] == "wrong", let model else { throw CommandError("both are needed: answer TOKEN wrong TOKEN") }
        words.removeSubrange(first...)
        do throws(PromptError) { return PatchScan.Question(answer: try model.token(named[1]), wrong: try model.token(named[3])) } catch {
            throw CommandError(error.rule)
        }
    }

    // MARK: what the engine tells

    mutating func receive(_ list: EditList) {
        edits = list
        busy = nil
        if case .edits(let selection)? = overlay { overlay = .edits(selection: min(selection, max(list.items.count - 1, 0))) }
        if let report = list.last { say(EditWords.summary(report, self)) }
    }

    mutating func receive(_ new: ScanState) {
        let isFirst = scan == nil || scan?.isRunning == false
        scan = new
        busy = nil
        if new.isRunning, isFirst || overlay == nil { overlay = .scan(row: 0, column: 0) }
        guard !new.isRunning else { return }
        if case .scan? = overlay {} else { overlay = .scan(row: 0, column: 0) }
    }

    /// Whether edits change a value that is shown.
    package func isEdited(_ value: ValueRef) -> Bool { value.level == 0 && snapshot?.stepper.isEdited(value.id) == true }

    /// The edits that change a value.
    func edits(of value: ValueRef) -> [Edit] {
        guard isEdited(value), let program = snapshot?.stepper.program else { return [] }
        return edits.items.map(\.edit).filter { ((try? $0.values(in: program)) ?? []).contains(value.id) }
    }

    /// Before the name of an edited or quirky value, so that nobody takes its numbers for the model's.
    package func editSign(_ value: ValueRef) -> String {
        (isEdited(value) ? "✎ " : "") + (quirks(of: value).isEmpty ? "" : "\(QuirkWords.sign) ")
    }
}

/// Edits in words.
enum EditWords {
    /// Loss, next token, the value that moved most, and what it cost.
    static func summary(_ report: EditReport, _ session: Session) -> String {
        var parts: [String] = []
        if let loss = loss(report) { parts.append("loss \(loss)") }
        if let next = next(report, session) { parts.append("next \(next)") }
        if let most = report.changes.max(by: { $0.norm < $1.norm }) {
            parts.append("\(Names.short(most.name)) max|Δ| \(Numbers.compact(most.maximum))")
        }
        return "✎ " + (parts + ["\(report.steps) of \(report.total) steps again"]).joined(separator: "  ")
    }

    /// `1.599 → 1.648`; where three decimals do not tell them apart, `1.599 +2.1e-06`.
    static func loss(_ report: EditReport) -> String? {
        guard let before = report.lossBefore, let after = report.lossAfter else { return nil }
        let (old, new) = (Numbers.fixed(before, decimals: 3), Numbers.fixed(after, decimals: 3))
        guard old == new, before.isFinite else { return "\(old) → \(new)" }
        return before == after ? "\(old) as before" : "\(old) \(Numbers.signed(after - before, digits: 2))"
    }

    /// `Mia .93 → Tom .51`, or one token with both of its probabilities, or with the one that both are to two decimals.
    static func next(_ report: EditReport, _ session: Session) -> String? {
        guard let after = report.tokens.first, let before = report.tokens.max(by: { $0.before < $1.before }) else { return nil }
        let (old, new) = (Numbers.fixed(before.before, decimals: 2), Numbers.fixed(after.after, decimals: 2))
        return before.id == after.id
            ? "\(session.tokenLabel(after.id)) \(old)\(old == new ? "" : " → \(new)")"
            : "\(session.tokenLabel(before.id)) \(old) → \(session.tokenLabel(after.id)) \(new)"
    }
}
