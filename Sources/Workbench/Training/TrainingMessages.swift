import Training

/// What the screen asks about a finetune.
package enum TrainingCommand: Sendable {
    /// A new run, which goes on until `until`.
    case start(TrainingRun.Plan, folder: String, until: Int)
    case resume(folder: String)
    /// Goes on until so many updates have been made, or to the end.
    case run(until: Int)
    /// Stands after the step at work.
    case pause
    /// Into the batch of the next step.
    case walk
    case leave
    /// Into the batch whose loss or gradient is no number, up to the op that made the first such value.
    case why
    case save
}

/// A finetune as the screen knows it.
package struct TrainingProgress: Sendable {
    package enum Phase: Sendable, Equatable { case running, pausing, paused, stopped(String), finished }

    package let model: String
    package let data: String
    package let settings: TrainingSettings
    package let folder: String
    /// Of the whole run.
    package let steps: Int
    /// Weights that are trained: how many, and their numbers together.
    package let tensors: Int
    package let elements: Int
    package let report: DataReport
    package let weights: [TrainedWeight]
    /// Whether what the last step added to each weight is kept for the screen.
    package let keepsUpdates: Bool
    /// One a step, in order.
    package var points: [TrainingPoint] = []
    package var notes: [TrainingNote] = []
    package var phase = Phase.paused
    /// Updates made, also before this program began.
    package var step = 0
    /// Of the batch that was trained on last, or that is walked through.
    package var rows: [BatchRow] = []
    /// What the loss read of each row and made of it; empty in a walk, whose row at work is read from the walk.
    package var readings: [BatchRowReading] = []
    package var walk: WalkPlace?

    package var last: TrainingPoint? { points.last }
    /// Seconds to the planned end, at the speed of the last steps; what they saved and measured is part of them.
    package var secondsLeft: Double? {
        let recent = points.suffix(20)
        guard steps > step, !recent.isEmpty else { return nil }
        return recent.reduce(0) { $0 + $1.seconds } / Double(recent.count) * Double(steps - step)
    }
    package var validation: Double? { points.last { $0.validation != nil }?.validation }
}

/// What a step said of itself.
package struct TrainingPoint: Sendable, Hashable {
    package var step: Int
    /// Before the update.
    package var loss: Double
    package var validation: Double?
    package var rate: Double
    package var gradNorm: Double
    package var tokens: Int
    package var seconds: Double
    /// Bytes that the process holds.
    package var memory: Int
    /// Of preferences: how much more the better answers are preferred, on average.
    package var margin: Double?

    package var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }
}

/// Something that happened in a run.
package struct TrainingNote: Sendable, Hashable {
    package enum Kind: Sendable { case info, good, warning }
    package let step: Int
    package let kind: Kind
    package let text: String
}

/// Where a walk stands in its step.
package struct WalkPlace: Sendable, Hashable {
    /// The step that is walked through, from 1.
    package let step: Int
    /// Rows first, then a stage for each weight's update.
    package let stage: Int
    package let rows: Int
    package let updates: Int
    /// The weight that is updated; empty in a row.
    package let weight: String
    /// Known after the last row.
    package let gradNorm: Double?
    package let clip: Double

    package var isRow: Bool { stage < rows }
    package var title: String {
        isRow ? "row \(stage + 1)/\(rows)" : "update \(stage - rows + 1)/\(updates)"
    }
}
