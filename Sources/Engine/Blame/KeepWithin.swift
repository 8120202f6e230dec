import Tensors

/// Searches how few units must stay high for the result to keep to a tolerance. Everything starts high; groups go low as long as what is
/// measured keeps to it, those that cost least a unit first; a group that does not is cut in two, down to single units. What remains high
/// is then tried one by one until nothing more goes low, so that of the set that is found no unit can go low alone.
package struct KeepWithin: Sendable {
    package let tolerance: EffectBound
    package let truth: Truth
    /// What has gone low so far keeps to the tolerance.
    private(set) package var mixture: Mixture
    private(set) package var effect: Departure
    /// Measurements made.
    private(set) package var trials = 0
    /// Kinds of ops whose cost has not been measured yet.
    private var unmeasured: [[Int]]
    private var queue: [Group] = []
    private var remaining: [Int] = []
    /// Whether a round over single units is on, and whether it has lowered one.
    private var isSingle = false
    private var hasLowered = false
    private var isFinal = false
    /// Whether units were left high for want of trials and not for being tried.
    private(set) package var isCutShort = false
    private let limit: Int

    private struct Group: Sendable {
        let units: [Int]
        /// How much error a unit of it makes.
        let cost: Double
    }

    /// Throws if even all high does not keep to the tolerance.
    package init(low: Stepper, high: Stepper, truth: Truth, tolerance: EffectBound, trials limit: Int = 600) throws {
        (self.tolerance, self.truth, self.limit) = (tolerance, truth, limit)
        mixture = try Mixture(low: low, high: high, isHigh: true)
        effect = try Blamer.effect(mixture, truth)
        unmeasured = Blamer.groups(mixture.units, .kind).map(\.units)
        guard tolerance.holds(effect, isFinite: mixture.isFinite) else {
            let found = "kl \(Float(effect.kl)), nmse \(Float(effect.nmse)), top1 \(effect.top1)"
            throw PolicyError("\(tolerance) is not kept to even if all is high: \(found)")
        }
    }

    private func cost(_ mixture: Mixture, _ count: Int) throws -> Double {
        let effect = try Blamer.effect(mixture, truth)
        guard effect.nmse.isFinite, tolerance.measure != .finite || mixture.isFinite else { return .infinity }
        return (tolerance.measure == .kl ? effect.kl : effect.nmse) / Double(max(1, count))
    }

    private mutating func sort() { queue.sort { $0.cost < $1.cost } }

    package var isFinished: Bool { unmeasured.isEmpty && queue.isEmpty && isFinal }
    /// Units that have been decided on, of all.
    package var done: Int { mixture.units.count - (unmeasured + queue.map(\.units)).reduce(0) { $0 + $1.count } }
    package var total: Int { mixture.units.count }
    /// The units that stay high.
    package var kept: [Int] { mixture.units.indices.filter { mixture.isHigh[$0] } }

    /// Measures what the next kind costs.
    private mutating func measure(_ units: [Int], _ interrupted: () -> Bool) throws -> Bool {
        guard let one = try mixture.turning(units, interrupted: interrupted) else { return false }
        trials += 1
        unmeasured.removeFirst()
        queue.append(Group(units: units, cost: try cost(one, units.count)))
        sort()
        return true
    }

    /// Tries one more group; false if `interrupted`.
    package mutating func step(interrupted: () -> Bool = { false }) throws -> Bool {
        if let next = unmeasured.first { return try measure(next, interrupted) }
        if queue.isEmpty { beginRound() }
        guard let group = queue.first else { return true }
        if trials >= limit {
            (isCutShort, isFinal, queue) = (true, true, [])
            return true
        }
        guard let next = try mixture.turning(group.units, interrupted: interrupted) else { return false }
        queue.removeFirst()
        trials += 1
        let found = try Blamer.effect(next, truth)
        if tolerance.holds(found, isFinite: next.isFinite) {
            (mixture, effect, hasLowered) = (next, found, true)
        } else {
            split(group)
        }
        return true
    }

    private mutating func split(_ group: Group) {
        guard group.units.count > 1 else { return remaining.append(group.units[0]) }
        let middle = group.units.count / 2
        for half in [group.units[..<middle], group.units[middle...]] { queue.append(Group(units: Array(half), cost: group.cost)) }
        sort()
    }

    /// What did not fit in other company may have been unlucky: it is tried again, until a round lowers nothing.
    private mutating func beginRound() {
        guard !remaining.isEmpty, !isSingle || hasLowered else { return isFinal = true }
        (isSingle, hasLowered) = (true, false)
        queue = remaining.map { Group(units: [$0], cost: 0) }
        remaining = []
    }

    /// The policy that was found.
    package var rules: [Policy.Rule] { mixture.rules }

    /// As a file: what it was measured on, and its rules. `titles` are the low policy's and the high one's.
    package func text(titles: [String], tokens: Int, of model: String) -> String {
        """
        # \(titles[0]), and in the formats of \(titles[1]) the \(kept.count) of \(total) values that must be for \(tolerance)
        # as measured on \(tokens) tokens of \(model): kl \(Float(effect.kl)), nmse \(Float(effect.nmse))
        \(Policy(rules: rules).text)
        """
    }
}
