import Engine
import Screen
import Tensors

/// What the Numerics screen asks of the engine.
package enum NumericsQuestion: Hashable, Sendable {
    /// What made the first number of a value that is not finite.
    case cause(ValueRef)
    /// One element, where the value was evicted.
    case number(ValueRef, index: [Int])

    var value: ValueRef {
        switch self {
        case .cause(let value), .number(let value, _): value
        }
    }
}

package enum NumericsAnswer: Sendable {
    case cause(NonFinite)
    case number(Double)
}

/// Answers the Numerics screen's questions, on the engine thread.
struct NumericsReader {
    let stepper: Stepper

    func answer(_ question: NumericsQuestion) throws -> Answer {
        switch question {
        case .cause(let value):
            return try stepper.nonFinite(in: value.id).map { .numerics(.cause($0)) } ?? .failed("all its numbers are finite")
        case .number(let value, let index):
            let number = try stepper.tensor(value.id)?.value(at: index)
            return number.map { .numerics(.number($0)) } ?? .failed("not computed yet")
        }
    }
}

extension Session {
    /// The first value of the shown program, in running order, that is not finite.
    var firstNonFinite: ValueRef? { shown?.firstNonFinite.map { ValueRef(level: place.value.level, id: $0) } }

    /// What made it, once the engine has found out.
    var nonFinite: NonFinite? {
        guard let value = firstNonFinite, case .numerics(.cause(let found))? = answers[.numerics(.cause(value))] else { return nil }
        return found
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
