import Engine
import Screen
import Tensors

extension Command {
    static let findCommands: [Command] = [
        Command("search-line", .find, "search names, tokens and numbers") { session, _ throws(CommandError) in
            session.line = LineEditor(.search)
            return []
        },
        Command("search", "TEXT", .find, "find a name, a token of the prompt, or a number (> 3, < -1, = 0.5, nan)") {
            session, arguments throws(CommandError) in
            session.search = arguments.text
            return try session.find(forward: true, from: nil)
        },
        Command("search-next", .find, "the next find") { session, _ throws(CommandError) in
            try session.find(forward: true, from: session.place.value.id)
        },
        Command("search-previous", .find, "the find before") { session, _ throws(CommandError) in
            try session.find(forward: false, from: session.place.value.id)
        },
        Command("anomaly", "next|previous", .find, "the next value with NaN, Inf or a number beyond 6 times its deviation") {
            session, arguments throws(CommandError) in
            try session.anomaly(forward: arguments[0] != "previous")
            return []
        },
        Command("element-line", .find, "go to an element") { session, _ throws(CommandError) in
            session.line = LineEditor(.element, text: "[")
            return []
        },
        Command("at", "[I,J]", .find, "put the cursor on an element") { session, arguments throws(CommandError) in
            let numbers = arguments.text.filter { $0 != "[" && $0 != "]" && $0 != " " && $0 != "@" }.split(
                separator: ",", omittingEmptySubsequences: false)
            let index = numbers.compactMap { Int($0) }
            guard let shape = session.selectedValue?.shape else { throw CommandError("no value is selected") }
            guard index.count == numbers.count, shape.position(of: index) != nil else {
                throw CommandError("\(arguments.text) is not an index into \(shape)")
            }
            session.remember()
            session.moveCursor(to: index)
            return []
        },
    ]
}

extension Session {
    /// Names first, then tokens of the prompt, then numbers in the selected value.
    mutating func find(forward: Bool, from start: Int?) throws(CommandError) -> [Effect] {
        guard !search.isEmpty, let stepper = snapshot?.stepper else { throw CommandError("nothing to search for; / begins a search") }
        if let query = NumberQuery(search) { return try findNumber(query) }
        let values = stepper.program.values
        let names = values.indices.filter { ([values[$0].name] + values[$0].aliases).contains { $0.localizedMatch(search) } }
        let ordered = names.sorted { (values[$0].step ?? -1, $0) < (values[$1].step ?? -1, $1) }
        if let found = next(ordered, after: start, forward) {
            say("\(ordered.firstIndex(of: found).map { $0 + 1 } ?? 1) of \(ordered.count): \(values[found].name)")
            select(ValueRef(id: found))
            return []
        }
        return try findToken()
    }

    private func next(_ ids: [Int], after start: Int?, _ forward: Bool) -> Int? {
        guard let start, let at = ids.firstIndex(of: start) else { return forward ? ids.first : ids.last }
        return ids[(at + (forward ? 1 : ids.count - 1)) % ids.count]
    }

    private mutating func findToken() throws(CommandError) -> [Effect] {
        let ids = snapshot?.ids ?? []
        let labels = ids.map(tokenLabel)
        let wanted = TokenText.visible(search)
        let order = labels.indices.map { ($0 + tokenIndex + 1) % max(labels.count, 1) }
        guard let found = order.first(where: { labels[$0].localizedMatch(wanted) }) else {
            throw CommandError("no name, token or number matches '\(search)'")
        }
        open(.tokens)
        tokens.token = found
        return []
    }

    private mutating func findNumber(_ query: NumberQuery) throws(CommandError) -> [Effect] {
        let request = Request.find(place.value, query)
        switch answers[request] {
        case .found(let index?)?:
            remember()
            moveCursor(to: index)
            return []
        case .found(nil)?: throw CommandError("no such number in \(selectedValue?.name ?? "it")")
        default:
            say("searching; n shows the find")
            return answers.unasked([request]).isEmpty ? [] : [.engine(.answer([request], run: snapshot?.run ?? 0))]
        }
    }

    /// The next value in running order that has something odd, and the element that shows it.
    mutating func anomaly(forward: Bool) throws(CommandError) {
        guard let stepper = snapshot?.stepper else { throw CommandError("nothing runs yet") }
        let order = stepper.program.steps.map(\.output).filter { stepper.statistics($0) != nil }
        let start = order.firstIndex(of: place.value.id) ?? (forward ? order.count - 1 : 0)
        for distance in 1...max(order.count, 1) where !order.isEmpty {
            let id = order[((start + (forward ? distance : -distance)) % order.count + order.count) % order.count]
            guard let statistics = stepper.statistics(id),
                let finding = Anomaly(statistics, of: stepper.program.steps[stepper.program.values[id].step ?? 0].op)
            else { continue }
            select(ValueRef(id: id))
            if let at = finding.position { moveCursor(to: stepper.program.values[id].shape.index(at: at)) }
            return say("\(stepper.program.values[id].name): \(finding.text)", .warning)
        }
        throw CommandError("nothing odd: no NaN, no Inf, nothing beyond \(Int(Anomaly.deviations)) deviations")
    }
}

/// What is odd about a value.
package struct Anomaly: Sendable {
    package static let deviations = 6.0
    package let text: String
    /// Row-major position of the element that shows it, where statistics tell.
    package let position: Int?

    package init?(_ s: Statistics, of op: any Op) {
        let hidden = op is AttentionScores
        if s.nan > 0 {
            (text, position) = ("\(s.nan) NaN", nil)
        } else if s.positiveInfinity + (hidden ? 0 : s.negativeInfinity) > 0 {
            (text, position) = ("\(s.positiveInfinity + s.negativeInfinity) Inf", nil)
        } else if s.std > 0, !(op is Softmax), Double(s.absMax) > Anomaly.deviations * s.rms {
            let at = -s.min > s.max ? s.minAt : s.maxAt
            (text, position) = (
                "largest \(Numbers.compact(Double(s.absMax))) is \(Numbers.compact(Double(s.absMax) / s.rms)) times the rms", at
            )
        } else {
            return nil
        }
    }
}

extension NumberQuery {
    /// `> 3`, `< -1`, `= 0.5`, `nan`, `inf`.
    init?(_ text: String) {
        if ["nan", "inf"].contains(text.lowercased()) {
            self.init(comparison: .nonFinite, number: 0)
            return
        }
        guard let sign = text.first, let comparison = Comparison(rawValue: String(sign)), comparison != .nonFinite,
            let number = Double(text.dropFirst().filter { $0 != " " })
        else { return nil }
        self.init(comparison: comparison, number: number)
    }
}

extension String {
    /// Case-insensitive where the pattern has no capitals, as less and vim search.
    func localizedMatch(_ pattern: String) -> Bool {
        pattern.contains(where: \.isUppercase) ? contains(pattern) : lowercased().contains(pattern.lowercased())
    }
}
