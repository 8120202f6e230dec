import Screen
import Training

/// A number of each step as a line.
enum TrainChart {
    static func draw(
        _ session: Session, _ surface: inout Surface, _ area: Rect, role: Role, reference: Double? = nil, name: String = "",
        _ number: (TrainingPoint) -> Double
    ) {
        guard let training = session.training, !training.points.isEmpty else { return }
        let points = training.points
        var plot = LinePlot(
            [LinePlot.Series("", points.map { Float(number($0)) }, role: role)], firstLabel: "\(points[0].step)",
            lastLabel: points.count > 1 ? "\(points[points.count - 1].step)" : "")
        (plot.reference, plot.referenceName) = (reference, name)
        plot.draw(into: &surface, in: area.inset(1, 0))
    }
}

/// The loss of each step with its running mean, and the validation loss where it was measured.
package enum TrainLossPane: Pane {
    package static let name = "Loss"
    package static func title(_ session: Session) -> String { "Loss" }

    package static func label(_ session: Session) -> String {
        let parts = [session.train.isLog ? "log" : "", session.train.smoothing > 0 ? "mean \(session.train.smoothing)" : ""]
        return parts.filter { !$0.isEmpty }.joined(separator: "  ")
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let training = session.training, let first = training.points.first else { return drawNothing(session, &surface, area) }
        var plot = LinePlot(
            series(training.points, session.train.smoothing), isLogarithmic: session.train.isLog, firstLabel: "step \(first.step)",
            lastLabel: training.points.count > 1 ? "\(training.step)" : "")
        plot.cursor = nil
        plot.draw(into: &surface, in: area.inset(1, 0))
    }

    private static func series(_ points: [TrainingPoint], _ smoothing: Double) -> [LinePlot.Series] {
        var all = [LinePlot.Series("loss", points.map { Float($0.loss) }, role: smoothing > 0 ? .dim : .series0)]
        if smoothing > 0 { all.append(LinePlot.Series("mean", mean(points, smoothing), role: .series0)) }
        if points.contains(where: { $0.validation != nil }) {
            var last = Float.nan
            let held = points.map { point in
                last = point.validation.map(Float.init) ?? last
                return last
            }
            var line = LinePlot.Series("validation", held, role: .series1)
            line.marksGaps = false
            all.append(line)
        }
        return all
    }

    /// Weighted so that the first steps are not pulled towards zero, as Adam does it. What is no number has no part.
    static func mean(_ points: [TrainingPoint], _ share: Double) -> [Float] {
        var (sum, weight) = (0.0, 0.0)
        return points.map { point in
            if point.loss.isFinite { (sum, weight) = (share * sum + (1 - share) * point.loss, share * weight + 1 - share) }
            return weight > 0 ? Float(sum / weight) : .nan
        }
    }

    private static func drawNothing(_ session: Session, _ surface: inout Surface, _ area: Rect) {
        let isTraining = session.training != nil
        let lines: [Line] =
            isTraining
            ? [Line("no step has been made yet", .dim)]
            : [
                Line("Nothing is trained yet.", .emphasis), [],
                [Span("f", .key), Span("  a form of all settings with their defaults", .text)],
                [Span(":finetune FILE method=lora steps=100", .key), Span("  begins at once", .text)],
                [Span(":resume RUN", .key), Span("  goes on with a run that was saved", .text)],
            ]
        for (number, line) in lines.enumerated() { surface.put(area.x + 1, area.y + number, line, width: area.width - 2) }
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}

/// The learning rate.
package enum TrainRatePane: Pane {
    package static let name = "Learning rate"
    package static func title(_ session: Session) -> String { "lr" }
    package static func label(_ session: Session) -> String { session.training?.settings.schedule.rawValue ?? "" }
    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        TrainChart.draw(session, &surface, area, role: .series2) { $0.rate }
    }
    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}

/// The norm of all gradients together, before they are clipped.
package enum TrainNormPane: Pane {
    package static let name = "Gradient norm"
    package static func title(_ session: Session) -> String { "‖grad‖" }
    package static func label(_ session: Session) -> String { limit(session).map { "clip \(Numbers.compact($0))" } ?? "" }
    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        TrainChart.draw(session, &surface, area, role: .series3, reference: limit(session)) { $0.gradNorm }
    }

    private static func limit(_ session: Session) -> Double? {
        session.training.flatMap { $0.settings.maxGradNorm > 0 ? $0.settings.maxGradNorm : nil }
    }
    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}

/// Tokens a second, padding left out.
package enum TrainSpeedPane: Pane {
    package static let name = "Speed"
    package static func title(_ session: Session) -> String { "tokens/s" }
    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        TrainChart.draw(session, &surface, area, role: .series4) { $0.tokensPerSecond }
    }
    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}

/// What the process holds.
package enum TrainMemoryPane: Pane {
    package static let name = "Memory"
    package static func title(_ session: Session) -> String { "memory, MiB" }
    package static func label(_ session: Session) -> String { session.training?.last.map { Numbers.bytes($0.memory) } ?? "" }
    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        TrainChart.draw(session, &surface, area, role: .series1) { Double($0.memory) / Double(1 << 20) }
    }
    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}
