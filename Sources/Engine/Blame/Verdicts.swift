import Tensors

/// Noise or bug for the values of a run, in running order, by the trusted run's names.
package struct Verdicts: Sendable {
    package struct Entry: Sendable {
        package let name: String
        package let verdict: Verdict
        /// How far samples of its op's rounding lie, if they were drawn.
        package let spread: RoundingSpread?
        /// Whether an op made it; inputs and weights are given.
        package let isMade: Bool
    }

    private(set) package var entries: [Entry] = []
    private var places: [String: Int] = [:]

    package init() {}

    fileprivate mutating func add(_ entry: Entry) {
        if places[entry.name] == nil { places[entry.name] = entries.count }
        entries.append(entry)
    }

    package subscript(name: String) -> Verdict? { entry(name)?.verdict }

    package func entry(_ name: String) -> Entry? { places[name].map { entries[$0] } }

    /// The first value that its op does not explain.
    package var firstBug: Entry? { entries.first(where: \.verdict.isBug) }

    /// Whether no op's value could be held against its formula, as where none of a file's tensors fits.
    package var isNothingJudged: Bool { !entries.contains(where: \.isMade) }

    /// To what the other side's values were rounded when they were kept, where only that explains some of them.
    package var kept: NumberFormat? { entries.lazy.compactMap { $0.verdict.isBug ? nil : $0.verdict.kept }.first }

    /// How much of what rounding explains the worst value takes.
    package var worst: Double { entries.map(\.verdict.factor).max() ?? 0 }
}

extension Judge {
    /// Judges one more value and writes down what it says.
    package mutating func step(into verdicts: inout Verdicts) throws {
        guard let verdict = try step() else { return }
        verdicts.add(Verdicts.Entry(name: name(of: verdict), verdict: verdict, spread: spread, isMade: isMade(verdict)))
    }
}
