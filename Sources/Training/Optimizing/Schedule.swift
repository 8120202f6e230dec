import Foundation

/// The learning rate of each step. Warm-up: Goyal et al. 2017, arXiv:1706.02677; cosine: Loshchilov and Hutter 2016, arXiv:1608.03983;
/// warm-up, stable, decay: Hu et al. 2024, arXiv:2404.06395.
package struct Schedule: Sendable, Equatable {
    package let kind: TrainingSettings.ScheduleKind
    package let rate: Double
    package let warmup: Int
    package let steps: Int
    /// Where the rate ends, as a part of `rate`.
    package let minRatio: Double
    /// wsd: the part of the run in which the rate falls.
    package let decayShare: Double

    package init(
        _ kind: TrainingSettings.ScheduleKind, rate: Double, warmup: Int = 0, steps: Int, minRatio: Double = 0, decayShare: Double = 0.2
    ) {
        self.kind = kind
        self.rate = rate
        self.warmup = warmup
        self.steps = steps
        self.minRatio = minRatio
        self.decayShare = decayShare
    }

    package init(_ settings: TrainingSettings, steps: Int) {
        self.init(
            settings.schedule, rate: settings.lr, warmup: settings.warmup, steps: steps, minRatio: settings.minRatio,
            decayShare: settings.decayShare)
    }

    /// The rate of a step, from 0: `rate` at the end of the warm-up, `rate · minRatio` after the last step.
    package func rate(at step: Int) -> Double {
        if step < warmup { return rate * Double(step) / Double(warmup) }
        let progress = min(1, Double(step - warmup) / Double(max(1, steps - warmup)))
        return rate * (minRatio + (1 - minRatio) * share(progress))
    }

    /// From 1 to 0 while `progress` goes from 0 to 1.
    private func share(_ progress: Double) -> Double {
        switch kind {
        case .constant: 1
        case .linear: 1 - progress
        case .cosine: 0.5 * (1 + cos(.pi * progress))
        case .wsd: decayShare <= 0 ? 1 : min(1, (1 - progress) / decayShare)
        }
    }
}
