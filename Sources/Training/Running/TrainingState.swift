import Tensors

/// All that a run carries from one step to the next, besides the weights: with these it goes on as if it had never stopped.
package struct TrainingState: Sendable {
    /// Updates made.
    package var step = 0
    /// What the optimizer keeps of each weight, one entry a slot of the rule.
    package var moments: [String: [Moment]] = [:]
    /// Behind the last batch.
    package var cursor = DataCursor()
    /// Losses of the latest steps, for the stop rules.
    package var losses: [Double] = []
    /// Tokens that have been trained on.
    package var tokens = 0

    package init() {}
}

/// What one step has come to so far.
package struct StepWork: Sendable {
    package let batch: Batch
    package let rows: [BatchRow]
    /// What each row's summed loss is divided by; of preferences, one over the slope that the pair's cost has.
    package internal(set) var denominators: [Double]
    /// Of preferences: the rows' summed losses under the model as it is and as it was, and what the pairs cost.
    package internal(set) var scores: [Preference.Answer] = []
    package internal(set) var preference: Preference.Value?
    /// Each row's share of the step's loss, in order.
    package var shares: [Double] = []
    /// What the loss read of each row so far.
    package internal(set) var readings: [LossReading] = []
    /// Where several heads are trained, each one's part of the loss, the next token's first.
    package private(set) var heads: [Double] = []
    /// Of each trained weight, summed over the rows so far.
    package var gradients: [String: Tensor] = [:]
    package var gradNorm = 0.0
    /// What gradients are multiplied with: 1, or less where they are too long.
    package var clip = 1.0
    package let rate: Double

    init(_ batch: Batch, _ settings: TrainingSettings, rate: Double) {
        self.batch = batch
        self.rate = rate
        rows = batch.microBatches.flatMap(\.rows)
        let count = batch.microBatches.count
        denominators = batch.microBatches.flatMap { micro in
            micro.rows.map { _ in Double(settings.denominator == .tokens ? batch.counted : micro.counted * count) }
        }
    }

    /// Back to before the first row.
    mutating func forgetRows() {
        shares = []
        readings = []
        heads = []
        gradients = [:]
    }

    mutating func add(_ loss: Double, toHead number: Int) {
        if number == heads.count { heads.append(loss) } else { heads[number] += loss }
    }

    /// The loss before the update.
    package var loss: Double { preference?.loss ?? shares.reduce(0, +) }

    /// Turns the rows' scores into the pairs' cost and each row's slope.
    mutating func settle(_ rule: Preference) {
        var places: [(chosen: Int, rejected: Int)] = []
        var start = 0
        for micro in batch.microBatches {
            places += (0..<micro.pairs).map { (start + $0, start + micro.pairs + $0) }
            start += micro.rows.count
        }
        let value = rule.value(places.map { (scores[$0.chosen], scores[$0.rejected]) })
        for (number, place) in places.enumerated() {
            denominators[place.chosen] = 1 / value.chosen[number]
            denominators[place.rejected] = 1 / value.rejected[number]
        }
        preference = value
    }

    /// Tokens without padding.
    package var tokens: Int { rows.reduce(0) { $0 + $1.ids.count - $1.padding } }
}

/// What a finished step says of itself.
package struct StepReport: Sendable, Equatable {
    /// From 1.
    package let step: Int
    /// Before the update.
    package let loss: Double
    package let rate: Double
    package let gradNorm: Double
    package let tokens: Int
    package let epoch: Int
    /// Of preferences.
    package var preference: Preference.Value?
    /// Where several heads are trained, each one's part of the loss.
    package var heads: [Double] = []
}
