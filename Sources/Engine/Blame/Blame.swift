import Tensors

/// Which ops make the error at the logits: each is measured alone in the high formats with all others in the low ones, and the other way
/// round. Nothing is estimated: each number is a run, of which what lies downstream of the change is computed.
package struct Blame: Sendable {
    package struct Entry: Sendable {
        /// Units of the mixture; one, or those of a kind of op or of a layer.
        package let units: [Int]
        package let name: String
        package let kind: String
        package let layer: Int?
        /// This one high, the others low.
        package let lifted: Departure
        /// This one low, the others high.
        package let alone: Departure
    }

    /// All low, and all high.
    package let low: Departure
    package let high: Departure
    package let entries: [Entry]

    /// How far the error of the low run moves for no reason of the op's own: any change downstream rounds everything anew. The median
    /// distance of the lifted runs from the low one, as a deviation; most ops matter little.
    package var spread: Double {
        let moves = entries.map { abs(low.nmse - $0.lifted.nmse) }.filter(\.isFinite).sorted()
        return moves.isEmpty ? 0 : 1.4826 * moves[moves.count / 2]
    }

    /// What lifting an op takes off the error.
    package func gain(_ entry: Entry) -> Double { low.nmse - entry.lifted.nmse }

    /// Largest first: by what lifting takes off where that is more than twice the spread, then by the error that each makes alone.
    package var sorted: [Entry] {
        let limit = 2 * spread
        let rank = { (entry: Entry) -> (Bool, Double) in
            let gain = gain(entry)
            let counts = gain > limit || (!low.nmse.isFinite && entry.lifted.nmse.isFinite)
            return (counts, counts && gain.isFinite ? gain : entry.alone.nmse)
        }
        return entries.sorted { one, other in
            let (a, b) = (rank(one), rank(other))
            return a.0 != b.0 ? a.0 : a.1 > b.1
        }
    }
}

/// A blame on its way, entry by entry, so that it can be shown and stopped.
package struct Blamer: Sendable {
    package enum Grouping: String, Sendable, CaseIterable { case op, kind, layer }

    package let low: Mixture
    private let high: Mixture
    private let truth: Truth
    private let groups: [(name: String, units: [Int])]
    private let grouping: Grouping
    private(set) package var blame: Blame

    /// Both runs have finished the same program and kept their values.
    package init(low: Stepper, high: Stepper, truth: Truth, by grouping: Grouping = .op) throws {
        self.low = try Mixture(low: low, high: high, isHigh: false)
        self.high = try Mixture(low: low, high: high, isHigh: true)
        (self.truth, self.grouping) = (truth, grouping)
        groups = Blamer.groups(self.low.units, grouping)
        blame = Blame(low: try Blamer.effect(self.low, truth), high: try Blamer.effect(self.high, truth), entries: [])
    }

    static func groups(_ units: [FormatUnit], _ grouping: Grouping) -> [(name: String, units: [Int])] {
        var (names, members) = ([String](), [String: [Int]]())
        for (number, unit) in units.enumerated() {
            let name =
                switch grouping {
                case .op: unit.name
                case .kind: unit.kind
                case .layer: unit.layer.map { "layer \($0)" } ?? "outside the layers"
                }
            if members[name] == nil { names.append(name) }
            members[name, default: []].append(number)
        }
        return names.map { ($0, members[$0] ?? []) }
    }

    static func effect(_ mixture: Mixture, _ truth: Truth) throws -> Departure {
        guard let logits = try mixture.logits else { throw BindingError(rule: "there are no logits; run to the end") }
        return Departure(logits, from: truth)
    }

    package var done: Int { blame.entries.count }
    package var total: Int { groups.count }
    package var isFinished: Bool { done == total }

    /// Measures one more op, or group; false if `interrupted`.
    package mutating func step(interrupted: () -> Bool = { false }) throws -> Bool {
        guard !isFinished else { return true }
        let group = groups[done]
        guard let lifted = try low.turning(group.units, interrupted: interrupted),
            let alone = try high.turning(group.units, interrupted: interrupted)
        else { return false }
        let units = group.units.map { low.units[$0] }
        let entry = Blame.Entry(
            units: group.units, name: group.name, kind: grouping == .op ? units[0].kind : "\(units.count) values",
            layer: grouping == .op ? units[0].layer : nil, lifted: try Blamer.effect(lifted, truth), alone: try Blamer.effect(alone, truth))
        blame = Blame(low: blame.low, high: blame.high, entries: blame.entries + [entry])
        return true
    }
}
