import Engine
import Models

/// What the screen asks of a blame. Policies are named by a word, as `--precision` takes it; nil: the run's own, or what goes with that.
package enum BlameRequest: Sendable {
    /// Both runs of the prompt, and every op, kind or layer measured.
    case begin(low: String?, high: String? = nil, by: Blamer.Grouping)
    /// The fewest values that must stay as in the high run.
    case keep(EffectBound, low: String?, high: String?)
    /// Where the first bad number came from.
    case why
}

/// A blame as the screen knows it: it grows op by op.
package struct BlameState: Sendable {
    package let blame: Blame
    /// Of the low policy and of the high one.
    package let titles: [String]
    package let tokens: Int
    package let total: Int
    package var isRunning: Bool

    /// The value to which Enter goes.
    package let values: [String: String]
}

/// A search for the fewest values that must stay high, as the screen knows it.
package struct KeepState: Sendable {
    package let tolerance: EffectBound
    /// Of the low policy and of the high one.
    package let titles: [String]
    package let tokens: Int
    /// Values and weights that have been decided on, of all.
    package let done: Int
    package let total: Int
    package let trials: Int
    package let isRunning: Bool
    /// Whether fewer might do: the search was stopped, or ran out of trials.
    package let isCutShort: Bool
    /// What is high so far.
    package let kept: [FormatUnit]
    package let effect: Departure
    /// Of the policy run on its own, when the search is done, and whether it keeps to the tolerance.
    package let verified: Departure?
    package let holds: Bool
    package let rules: [Policy.Rule]
    /// The policy as a file.
    package let text: String
}

/// Where a bad number came from, or nil: every number is what it should be.
package struct WhyReport: Sendable {
    package let why: Why?
}
