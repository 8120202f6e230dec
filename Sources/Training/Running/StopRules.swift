/// Why a run stands before an update that it should not make, or is to end after one.
package enum StopReason: Sendable, Equatable, CustomStringConvertible {
    case nonFinite(step: Int, what: String)
    case spike(step: Int, loss: Double, mean: Double, deviation: Double)
    case plateau(step: Int, mean: Double, before: Double)

    package var description: String {
        switch self {
        case .nonFinite(let step, let what): "step \(step): \(what) is not a number; the update was not made"
        case .spike(let step, let loss, let mean, let deviation):
            "step \(step): the loss of \(loss) is \((loss - mean) / deviation) deviations above the mean of \(mean); the update was not made"
        case .plateau(let step, let mean, let before): "step \(step): the mean loss of \(mean) is not below the \(before) before it"
        }
    }
}

/// When a run stops by itself.
package struct StopRules: Sendable {
    /// Losses over which a spike is judged.
    package static let window = 50
    /// With fewer than these nothing is a spike.
    package static let fewest = 10

    let spike: Double
    let plateau: Int

    init(_ settings: TrainingSettings) {
        spike = settings.stopSpike
        plateau = settings.stopPlateau
    }

    /// Losses that have to be kept.
    var memory: Int { max(StopRules.window, 2 * plateau) }

    /// Asked when loss and gradients are there and nothing has been changed.
    func before(step: Int, loss: Double, gradNorm: Double, earlier: [Double]) -> StopReason? {
        if !loss.isFinite { return .nonFinite(step: step, what: "the loss") }
        if !gradNorm.isFinite { return .nonFinite(step: step, what: "the gradients' norm") }
        let recent = earlier.suffix(StopRules.window)
        guard spike > 0, recent.count >= StopRules.fewest else { return nil }
        let mean = recent.reduce(0, +) / Double(recent.count)
        let deviation = (recent.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(recent.count)).squareRoot()
        guard deviation > 0, loss > mean + spike * deviation else { return nil }
        return .spike(step: step, loss: loss, mean: mean, deviation: deviation)
    }

    /// Asked after an update.
    func after(step: Int, losses: [Double]) -> StopReason? {
        guard plateau > 0, losses.count >= 2 * plateau else { return nil }
        let mean = losses.suffix(plateau).reduce(0, +) / Double(plateau)
        let before = losses.dropLast(plateau).suffix(plateau).reduce(0, +) / Double(plateau)
        return mean < before ? nil : .plateau(step: step, mean: mean, before: before)
    }
}
