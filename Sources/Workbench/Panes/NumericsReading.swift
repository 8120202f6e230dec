import Engine
import Screen
import Tensors

/// What the Numerics screen asks of the engine.
package enum NumericsQuestion: Hashable, Sendable {
    /// What made the first number of a value that is not finite.
    case cause(ValueRef)
    /// One element, where the value was evicted.
    case number(ValueRef, index: [Int])
    /// How far every value is from the same run in fp64, up to the cursor.
    case errors(level: Int, cursor: Int)
}

package enum NumericsAnswer: Sendable {
    case cause(NonFinite)
    case number(Double)
    /// Relative to the value in fp64, by value.
    case errors([Int: Double])
}

/// Answers the Numerics screen's questions, on the engine thread.
struct NumericsReader {
    let passes: [Stepper]
    let inner: [Stepper]

    /// A run in fp64 that takes more is not kept, and not made unless it is asked for.
    static let keptBytes = 1 << 29

    func answer(_ question: NumericsQuestion, _ cancelled: () -> Bool) throws -> Answer {
        switch question {
        case .cause(let value):
            let found = try stepper(value.level)?.nonFinite(in: value.id)
            return found.map { .numerics(.cause($0)) } ?? .failed("all its numbers are finite")
        case .number(let value, let index):
            let number = try stepper(value.level)?.tensor(value.id)?.value(at: index)
            return number.map { .numerics(.number($0)) } ?? .failed("not computed yet")
        case .errors(let level, _):
            guard let run = stepper(level) else { return .failed("the op was left") }
            let errors = try OraclePasses(of: [run], interrupted: cancelled)?.errors(of: run, interrupted: cancelled)
            return errors.map { .numerics(.errors($0)) } ?? .failed("called off")
        }
    }

    private func stepper(_ level: Int) -> Stepper? { level == 0 ? passes.last : inner[safe: level - 1] }
}

extension Session {
    /// The first value of the shown program, in running order, that is not finite.
    var firstNonFinite: ValueRef? { shown?.firstNonFinite.map { ValueRef(level: place.value.level, id: $0) } }

    /// What made it, once the engine has found out.
    var nonFinite: NonFinite? {
        guard let value = firstNonFinite, case .numerics(.cause(let found))? = answers[.numerics(.cause(value))] else { return nil }
        return found
    }

    /// Asks for the errors against fp64 while nothing runs: by itself where that takes a moment, else when it is told to.
    var errorRequest: Request? {
        guard let shown, snapshot?.isRunning == false, shown.cursor > 0 else { return nil }
        let weight = shown.program.weight(before: shown.cursor)
        let isLight = weight.operations < 4_000_000_000 && weight.bytes <= NumericsReader.keptBytes
        guard isLight || numerics.measuresErrors else { return nil }
        return .numerics(.errors(level: place.value.level, cursor: shown.cursor))
    }

    /// Of a value, relative to its fp64 norm.
    func oracleError(_ value: ValueRef) -> Double? {
        guard let shown, case .numerics(.errors(let errors))? = answers[.numerics(.errors(level: value.level, cursor: shown.cursor))]
        else { return nil }
        return errors[value.id]
    }

    /// What is known of the selected value: of a weight only when it was asked for.
    var numericsStatistics: Statistics? { statistics(place.value) ?? HeatMapPane.detail(self)?.statistics }

    /// The number under the cursor; nil until the engine has made an evicted value again.
    var numericsNumber: Double? {
        if let number = selectedTensor?.value(at: cursorIndex) { return number }
        guard case .numerics(.number(let number))? = answers[numberRequest] else { return nil }
        return number
    }

    var numberRequest: Request { .numerics(.number(place.value, index: cursorIndex)) }

    /// The format that the selected value's numbers are in: of a weight nobody rounded, that of its file.
    var numericsFormat: NumberFormat {
        let format = format(place.value)
        guard format == .fp32, let tensor = selectedTensor else { return format }
        return tensor.type.format ?? format
    }
}
