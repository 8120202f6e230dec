import Tensors

/// Whether a value of a run is what its op gives on the run's own inputs, but for rounding.
package struct Verdict: Sendable, Equatable {
    package enum Kind: String, Sendable {
        /// The other run's very bits.
        case same
        /// It differs, and rounding explains how.
        case noise
        /// It differs since an input does; its own op adds no more than rounding.
        case carried
        /// The op gives something else, or an input is another one.
        case bug
    }

    package let value: Int
    package let kind: Kind
    /// How many times as far as rounding goes the value is from its formula: of the worst element, or of all together. At most 1 is noise.
    package let factor: Double
    /// The worst element: what it is, what the formula gives on the same inputs, and how far rounding may be from that.
    package let index: [Int]
    package let found: Double
    package let expected: Double
    package let allowed: Double
    /// Whether what is told is how many numbers there are, since they cannot be held against the formula's one by one.
    package private(set) var isOfOtherSize = false
    /// To what values must have been rounded when they were kept for the factor to hold; nil: it holds for the numbers as they are. A mistake
    /// that does less than that rounding is not seen then.
    package private(set) var kept: NumberFormat?

    package var isBug: Bool { kind == .bug }
}

extension Verdict {
    func withValues(kept format: NumberFormat) -> Verdict {
        var verdict = self
        verdict.kept = format
        return verdict
    }

    /// So many deviations of the modelled rounding are taken for noise in one element of a value, and in the mean over all of them. The model
    /// takes errors as independent and functions as good to two units; what is beyond both is more than that can be wrong by.
    static let elementDeviations = 16.0
    static let meanDeviations = 4.0

    /// A value that was found, held against what was expected.
    init(_ value: Int, found tensor: Tensor, expected: Expectation, isSame: Bool, isCarried: Bool) {
        let found = tensor.doubles()
        var (worst, place, squares, variance) = (0.0, 0, 0.0, 0.0)
        for i in found.indices {
            let allowed = Verdict.allowed(expected, i)
            let difference = ErrorSize.difference(found[i], expected.numbers[i])
            let factor = difference == 0 || allowed == .infinity ? 0 : allowed > 0 ? difference / allowed : .infinity
            if factor > worst { (worst, place) = (factor, i) }
            if difference.isFinite && expected.variances[i].isFinite {
                squares += difference * difference
                variance += expected.variances[i]
            }
        }
        let mean = squares == 0 ? 0 : (squares / variance).squareRoot() / Verdict.meanDeviations
        let factor = max(worst, mean)
        let isEmpty = found.isEmpty
        self.init(
            value: value, kind: isSame ? .same : factor > 1 ? .bug : isCarried ? .carried : .noise, factor: factor,
            index: tensor.shape.index(at: place), found: isEmpty ? .nan : found[place], expected: isEmpty ? .nan : expected.numbers[place],
            allowed: isEmpty ? 0 : Verdict.allowed(expected, place))
    }

    private static func allowed(_ expected: Expectation, _ i: Int) -> Double {
        min(expected.bounds[i], elementDeviations * expected.variances[i].squareRoot())
    }

    /// A value of another size than the program's: its numbers cannot be held against the formula's. What is told is how many there are.
    init(_ value: Int, ofOtherSize found: Tensor, _ expected: Shape, isCarried: Bool) {
        self.init(
            value: value, kind: isCarried ? .carried : .bug, factor: isCarried ? 0 : .infinity, index: [],
            found: Double(found.elementCount), expected: Double(expected.elementCount), allowed: 0)
        isOfOtherSize = true
    }

    /// Two tensors that should be one: what a pass is given to read.
    init(_ value: Int, given found: Tensor, _ expected: Tensor, isCarried: Bool) {
        guard found.shape.counts == expected.shape.counts else {
            self.init(value, ofOtherSize: found, expected.shape, isCarried: isCarried)
            return
        }
        let size = ErrorSize(found.doubles(), from: expected.doubles(), shape: found.shape)
        let isSame = size.maximum == 0
        self.init(
            value: value, kind: isSame ? .same : .bug, factor: isSame ? 0 : .infinity, index: size.index,
            found: found.value(at: size.index) ?? .nan, expected: expected.value(at: size.index) ?? .nan, allowed: 0)
    }
}
