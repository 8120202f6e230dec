import Screen

/// 8 Train: a finetune while it runs: its losses and what goes with them, what happened, and the batch token by token.
package enum TrainPage: Page {
    package static let id = PageID.train
    package static let key = 8
    package static let title = "Train"

    private static let panes: [any Pane.Type] = [
        TrainLossPane.self, TrainBatchPane.self, TrainWeightPane.self, TrainUpdatePane.self, TrainNormPane.self, TrainEventsPane.self,
        TrainRatePane.self, TrainSpeedPane.self, TrainMemoryPane.self, TrainRunPane.self,
    ]

    package static func layout(_ session: Session, _ area: Rect) -> [PanePlace] {
        switch Breakpoint(session.size) {
        case .rich: rich(area)
        case .standard: standard(area)
        case .single, .none: panes.map { PanePlace($0, area) }
        }
    }

    private static func rich(_ area: Rect) -> [PanePlace] {
        let columns = area.columns([.rest, .fixed(48)])
        let left = columns[0].rows([.rest, .fixed(11), .fixed(13)])
        let charts = left[1].columns([.share(1), .share(1), .share(1), .share(1)])
        let right = columns[1].rows([.fixed(13), .fixed(12), .fixed(12), .rest])
        return places([left[0], left[2], right[1], right[2], charts[1], right[3], charts[0], charts[2], charts[3], right[0]])
    }

    private static func standard(_ area: Rect) -> [PanePlace] {
        let rows = area.rows([.rest, .fixed(7), .fixed(6)])
        let bottom = rows[2].columns([.fixed(19), .fixed(19), .share(2), .share(3)])
        return places([rows[0], rows[1], bottom[0], bottom[1], bottom[2], bottom[3]])
    }

    private static func places(_ rects: [Rect]) -> [PanePlace] { zip(panes, rects).map { PanePlace($0, $1) } }

    package static func hints(_ session: Session) -> [HintBar.Hint] {
        let walks = session.training?.walk != nil
        let runs = session.training?.phase == .running
        return [
            HintBar.Hint("Space", runs ? "pause" : "run"), HintBar.Hint("n", "one step"),
            walks ? HintBar.Hint("X", "leave batch") : HintBar.Hint("Enter", "into batch"), HintBar.Hint("f", "new"),
        ] + (walks ? [HintBar.Hint("> <", "row/update")] : [])
    }

    package static func label(_ session: Session) -> String {
        guard let training = session.training else { return RunLine.label(session) }
        if let walk = training.walk { return "‖ \(walk.step) · \(walk.title)" }
        switch training.phase {
        case .running: return "RUN ▶"
        case .pausing: return "pausing ‖"
        case .paused: return "paused ‖"
        case .stopped: return "stopped !"
        case .finished: return "finished ■"
        }
    }

    package static func status(_ session: Session) -> Line {
        guard let training = session.training else { return Line(session.busy ?? "no finetune — f or :finetune DATA", .status) }
        if session.isTrainedFocused, let line = session.trainedStatus { return line }
        if Drawing.focused(session)?.pane == TrainBatchPane.self, let line = TrainBatchPane.status(session) { return line }
        var spans = [Span("step \(training.step)/\(training.steps)", .statusKey)]
        guard let last = training.last else { return Line(spans) }
        let isFinite = last.loss.isFinite
        spans.append(Span("  loss \(Numbers.fixed(last.loss, decimals: 4))", isFinite ? .statusKey : .statusErr))
        if let validation = training.validation { spans.append(Span("  val \(Numbers.fixed(validation, decimals: 4))", .status)) }
        if let margin = last.margin { spans.append(Span("  margin \(Numbers.compact(margin))", .status)) }
        spans.append(Span("  lr \(Numbers.compact(last.rate))  |g| \(Numbers.compact(last.gradNorm))", .status))
        spans.append(Span("  tok/s \(Numbers.compact(last.tokensPerSecond))", .status))
        if let left = training.secondsLeft { spans.append(Span("  eta \(TimeText.of(left))", .statusKey)) }
        return Line(spans)
    }

    /// The braces choose a weight wherever the keyboard is.
    package static func move(_ session: inout Session, _ step: Move) -> Bool {
        if case .head = step { return session.moveTrained(step) }
        return TrainBatchPane.move(&session, step)
    }
}
