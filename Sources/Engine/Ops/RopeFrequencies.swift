import RealModule
import Tensors

/// θᵢ = base^(−2i/d), one a pair of dimensions, in radians a token; with the rescaling of long-context Llamas.
package struct RopeFrequencies: Op {
    package enum Scaling: Sendable, Hashable {
        case none
        /// Every frequency divided by the factor (position interpolation, Chen et al. 2023).
        case linear(factor: Double)
        /// Llama 3.1: low frequencies divided by the factor, high ones kept, between them a blend.
        case llama3(factor: Double, lowFrequencyFactor: Double, highFrequencyFactor: Double, originalContext: Double)
    }

    package let base: Double
    /// How many dimensions rotate; half as many pairs.
    package let dimensions: Int
    package let scaling: Scaling

    package init(base: Double, dimensions: Int, scaling: Scaling = .none) {
        self.base = base
        self.dimensions = dimensions
        self.scaling = scaling
    }

    package static let card = OpCard(
        name: "RoPE frequencies", formula: "θᵢ = base^(−2i/d)", sentence: "Early pairs turn fast, late pairs slowly.",
        source: "Su et al. 2021, arXiv:2104.09864, section 3.2.2; Llama 3.1 rescaling: Dubey et al. 2024")
    package static let samples = [
        OpSample(RopeFrequencies(base: 10000, dimensions: 8)),
        OpSample(
            RopeFrequencies(
                base: 500_000, dimensions: 16,
                scaling: .llama3(factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32))),
        OpSample(RopeFrequencies(base: 10000, dimensions: 8, scaling: .linear(factor: 2))),
    ]
    package var parameters: [(name: String, value: String)] { [("base", "\(base)"), ("d", "\(dimensions)"), ("scaling", "\(scaling)")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.isEmpty else { throw ShapeError("takes no inputs") }
        return Shape((.pair, dimensions / 2))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        Dense(Shape((.pair, dimensions / 2))) { pair in
            scaled(1 / period(pair))
        }
    }

    /// base^(2i/d), before any rescaling.
    func period<R: Scalar>(_ pair: Int) -> R { R.pow(R(base), R(2 * pair) / R(dimensions)) }

    /// As transformers' `_compute_llama3_parameters`: the wavelength 2π/θ against the original context length decides.
    func scaled<R: Scalar>(_ frequency: R) -> R {
        switch scaling {
        case .none: return frequency
        case .linear(let factor): return frequency / R(factor)
        case .llama3(let factor, let low, let high, let context):
            let wavelength = 2 * R.pi / frequency
            if wavelength < R(context / high) { return frequency }
            if wavelength > R(context / low) { return frequency / R(factor) }
            let smooth = (R(context) / wavelength - R(low)) / (R(high) - R(low))
            return (1 - smooth) * frequency / R(factor) + smooth * frequency
        }
    }
}
