import Screen
import Training

/// What happened, the newest first: saves, clipped gradients, rules that stopped the run.
package enum TrainEventsPane: Pane {
    package static let name = "Events"
    package static func title(_ session: Session) -> String { "Events" }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let notes = session.training?.notes else { return }
        var y = area.y
        for note in notes.reversed() where y < area.bottom {
            let mark = Line("\(note.step)", .dim)
            surface.put(area.x, y, mark, width: 4)
            for line in fold(note.text, to: area.width - 6) where y < area.bottom {
                surface.put(area.x + 5, y, Line(line, note.role), width: area.width - 6)
                y += 1
            }
        }
    }

    /// At blanks and line breaks; a word wider than the room is cut.
    static func fold(_ text: String, to width: Int) -> [String] {
        guard width > 0 else { return [] }
        var lines: [String] = []
        for word in text.split(whereSeparator: { $0 == " " || $0.isNewline }).map(String.init) {
            if let last = lines.last, VisibleText.width(last) + VisibleText.width(word) < width {
                lines[lines.count - 1] += " " + word
            } else {
                lines.append(word)
            }
        }
        return lines
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}

extension TrainingNote {
    /// Colour alone never tells: the words do.
    fileprivate var role: Role {
        switch kind {
        case .info: .text
        case .good: .ok
        case .warning: .warn
        }
    }
}

/// What is trained, how, and where it goes.
package enum TrainRunPane: Pane {
    package static let name = "Run"
    package static func title(_ session: Session) -> String { "Run" }

    package static func label(_ session: Session) -> String {
        session.training.map { "\($0.tensors) weights, \(Numbers.short($0.elements)) numbers" } ?? ""
    }

    package static func draw(_ session: Session, _ surface: inout Surface, _ area: Rect, focused: Bool) {
        guard let training = session.training else { return }
        for (number, row) in rows(session, training).prefix(area.height).enumerated() {
            surface.put(area.x + 1, area.y + number, Line(row.name, .dim), width: 11)
            surface.put(area.x + 12, area.y + number, row.line, width: area.width - 13)
        }
    }

    private static func rows(_ session: Session, _ training: TrainingProgress) -> [(name: String, line: Line)] {
        let s = training.settings
        let last = { (path: String) in path.split(separator: "/").last.map(String.init) ?? path }
        var rows: [(String, Line)] = [
            ("model", Line(last(training.model), .text)), ("data", Line(last(training.data), .text)),
            ("run", Line(last(training.folder), .text)),
            ("method", Line(method(training), .text)),
            (
                "batch",
                Line("\(s.batchSize) rows × \(s.accumulation), \(s.sequenceLength > 0 ? "\(s.sequenceLength)" : "all") tokens", .text)
            ),
            ("optimizer", Line("\(s.optimizer.rawValue)  β \(s.beta1) \(s.beta2)  decay \(s.weightDecay)", .text)),
            ("rate", Line("\(Numbers.compact(s.lr)) \(s.schedule.rawValue), warm-up \(s.warmup)", .text)),
            ("rows", Line(packing(training.report), .text)),
            ("seed", Line("\(s.seed)\(s.shuffle ? ", shuffled" : "")", .text)),
        ]
        if let walk = training.walk {
            rows.append(("walk", Line("step \(walk.step), \(walk.title)", .accent)))
            if !walk.isRow { rows.append(("weight", Line(Names.short(walk.weight), .text))) }
            if let norm = walk.gradNorm {
                let clip = walk.clip < 1 ? "× \(Numbers.compact(walk.clip, digits: 4))" : "not clipped"
                rows.append(("‖grad‖", Line("\(Numbers.compact(norm, digits: 5))  \(clip)", .text)))
            }
        } else {
            rows.append(("state", Line(training.phase.words, .accent)))
        }
        return rows
    }

    /// What became of the file's rows: used, cut, packed, padded in an epoch.
    private static func packing(_ report: DataReport) -> String {
        let parts = [(report.epoch.packed, "packed"), (report.epoch.padded, "padded"), (report.truncated, "cut")]
        return (["\(report.epoch.rows) an epoch"] + parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }).joined(separator: ", ")
    }

    private static func method(_ training: TrainingProgress) -> String {
        let s = training.settings
        return s.method.isAdapter ? "\(s.method.rawValue)  r \(s.rank)  α \(s.alpha)" : s.method.rawValue
    }

    package static func activate(_ session: inout Session) -> [Effect] { session.execute("train-walk") }
}
