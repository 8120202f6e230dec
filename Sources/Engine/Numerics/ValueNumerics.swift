import RealModule
import Tensors

/// What the statistics of a value say of the format it is in.
package struct ValueNumerics: Sendable {
    package let value: Value
    package let format: NumberFormat
    package let kernel: String
    package let statistics: Statistics
    /// Whether −∞ is a mask's and no fault.
    package let hidesWithInfinity: Bool
    /// The rms as a multiple of that of the same value in the layer that ran before.
    package let growth: Double?

    /// Bits between the largest magnitude and the format's limit; nil where a block's scale follows the numbers, and of zeros alone.
    package var headroom: Double? {
        guard format.block == nil, statistics.absMax > 0 else { return nil }
        return Double.log2(format.maximum) - Double.log2(Double(statistics.absMax))
    }

    /// The distance between two neighbours of the format at the value's rms.
    package var ulp: Double? {
        guard format.block == nil, statistics.rms > 0 else { return nil }
        return format.spacing(at: statistics.rms)
    }

    package var subnormals: Int { format.block == nil ? statistics.subnormals(in: format) : 0 }
    package var subnormalShare: Double { share(subnormals) }
    package var zeroShare: Double { share(statistics.zeros) }
    package var negativeInfinity: Int { hidesWithInfinity ? 0 : statistics.negativeInfinity }
    /// NaN and infinities that are no mask's.
    package var faults: Int { statistics.nan + statistics.positiveInfinity + negativeInfinity }

    private func share(_ count: Int) -> Double { statistics.count > 0 ? Double(count) / Double(statistics.count) : 0 }
}

extension Stepper {
    /// Of a value that a step has written; nil for others.
    package func numerics(of id: Int) -> ValueNumerics? {
        guard let step = program.values[id].step, let known = statistics(id) else { return nil }
        return ValueNumerics(
            value: program.values[id], format: choices[step].format, kernel: kernelName(of: id), statistics: known,
            hidesWithInfinity: program.hidesWithInfinity(id), growth: growth(of: id, known))
    }

    private func growth(of id: Int, _ known: Statistics) -> Double? {
        guard let before = program.layerBefore(id), let other = statistics(before), other.rms > 0 else { return nil }
        return known.rms / other.rms
    }

    /// The first value in running order with a NaN or an infinity that is no mask's.
    package var firstNonFinite: Int? {
        for step in program.steps[..<cursor] {
            guard let known = statistics(step.output), known.nonFinite > 0 else { continue }
            if known.nan + known.positiveInfinity > 0 || !program.hidesWithInfinity(step.output) { return step.output }
        }
        return nil
    }
}

extension Program {
    /// Whether −∞ in a value says that a key is hidden.
    package func hidesWithInfinity(_ id: Int) -> Bool { values[id].step.map { steps[$0].op.hidesWithInfinity } ?? false }

    /// The same value one layer earlier in running order: of a gradient the layer above.
    package func layerBefore(_ id: Int) -> Int? {
        guard let path = LayerPath(values[id].name) else { return nil }
        let layer = path.layer + (values[id].role == .gradient ? 1 : -1)
        return self.id(of: "\(path.prefix)\(layer)\(path.rest.isEmpty ? "" : "." + path.rest)")
    }
}
