import Engine
import Screen
import Tensors

/// The smaller ops of a derivative that was stepped into, each with its formula and its number.
enum GradientInside {
    /// As far as the run has come, and the op that is next.
    static func lines(_ session: Session) -> [Line] {
        guard let snapshot = session.snapshot, !snapshot.inner.isEmpty else { return [] }
        let walking = snapshot.walking
        return walking.program.steps.prefix(walking.cursor + 1).indices.map { number in
            let step = walking.program.steps[number]
            let name = Names.short(walking.program.values[step.output].name)
            let isNext = number == walking.cursor
            return [
                Span(isNext ? "▶ " : "  ", .current), Span(VisibleText.cut(name, to: 20).padding(21), isNext ? .current : .emphasis),
                Span((isNext ? "" : value(session, ValueRef(level: snapshot.inner.count, id: step.output))).padding(40), .text),
                Span(" \(step.op.card.formula)", .formula),
            ]
        }
    }

    /// One number, or the first few of several.
    private static func value(_ session: Session, _ value: ValueRef) -> String {
        guard let tensor = session.tensor(value) else { return "" }
        let count = tensor.elementCount
        let shown = (0..<min(count, 3)).map { Numbers.compact(tensor.value(at: tensor.shape.index(at: $0)) ?? .nan, digits: 4) }
        return count == 1 ? "= \(shown[0])" : "= [\(shown.joined(separator: ", "))\(count > 3 ? ", … \(count) numbers" : "")]"
    }
}
