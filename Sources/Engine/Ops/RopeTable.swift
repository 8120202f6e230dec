import RealModule
import Tensors

/// cos(m·θᵢ) or sin(m·θᵢ): θ [pair], positions m [token] → [token, pair]. What may be rounded or made otherwise is a parameter, since
/// published programs differ in it.
package struct RopeTable: Op {
    package enum Function: String, Sendable { case cos, sin }

    package let function: Function
    /// To which positions, and the table itself, are rounded; nil: they are as wide as the run.
    package let positions: NumberFormat?
    package let table: NumberFormat?
    /// The angle is m / base^(2i/d), one rounding less, in the place of m · (1 / base^(2i/d)).
    package let quotientOf: RopeFrequencies?

    package init(
        _ function: Function, positions: NumberFormat? = nil, table: NumberFormat? = nil, quotientOf: RopeFrequencies? = nil
    ) {
        self.function = function
        self.positions = positions
        self.table = table
        self.quotientOf = quotientOf
    }

    package static let card = OpCard(
        name: "RoPE table", formula: "c[m,i] = cos(m·θᵢ)", sentence: "The angle grows with the position; every pair has its own speed.",
        source: "Su et al. 2021, arXiv:2104.09864, eq. 34")
    package static let samples = [
        OpSample(RopeTable(.cos), .probabilities(Shape((.pair, 4))), .ids(6, below: 50)),
        OpSample(RopeTable(.sin), .probabilities(Shape((.pair, 4))), .ids(6, below: 50)),
    ]
    package var parameters: [(name: String, value: String)] {
        [
            ("function", function.rawValue), ("positions", positions?.name ?? "whole numbers"),
            ("table format", table?.name ?? "fp32"),
            ("angle", quotientOf == nil ? "m·θ" : "m / base^(2i/d)"),
        ]
    }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 1, 1)
        return Shape([inputs[1].axes[0], inputs[0].axes[0]])
    }

    @specialized(where R == Float)
    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (theta, rounding) = (inputs[0].values, Rounding(format: table))
        let periods: [R]? = quotientOf.map { frequencies in theta.indices.map { frequencies.period($0) } }
        var values: [R] = []
        values.reserveCapacity(inputs[1].values.count * theta.count)
        for position in inputs[1].values {
            let m = RopeTable.rounded(position, positions)
            for pair in theta.indices {
                let angle = periods.map { m / $0[pair] } ?? m * theta[pair]
                values.append(rounding(function == .cos ? R.cos(angle) : R.sin(angle)))
            }
        }
        return Dense(Shape([inputs[1].shape.axes[0], inputs[0].shape.axes[0]]), values)
    }

    static func rounded<R: Scalar>(_ x: R, _ format: NumberFormat?) -> R { format.map { R($0.nearest(Double(x))) } ?? x }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        [
            Contribution(
                input: 0, index: [index[1]], value: inputs[0].value(at: [index[1]]) ?? .nan, weight: inputs[1].value(at: [index[0]]) ?? .nan
            )
        ]
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(0), .input(1)], formula: function == .cos ? "dθ = −Σₘ dY·m·sin(m·θ)" : "dθ = Σₘ dY·m·cos(m·θ)",
                derivation: ["y[m,i] = \(function.rawValue)(m·θᵢ)", function == .cos ? "∂y/∂θᵢ = −m·sin(m·θᵢ)" : "∂y/∂θᵢ = m·cos(m·θᵢ)"])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let (theta, positions, dy) = (values[0].values, values[1].values, values[2].values)
        return Dense(shape) { pair in
            positions.indices.reduce(0) { sum, row in
                let m = positions[row]
                let slope = function == .cos ? -R.sin(m * theta[pair]) : R.cos(m * theta[pair])
                return sum + dy[row * theta.count + pair] * m * slope
            }
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let theta = values[0].value(at: index) ?? .nan
        return values[1].doubles().enumerated().map { row, m in
            let slope = function == .cos ? -Double.sin(m * theta) : Double.cos(m * theta)
            return Contribution(input: 2, index: [row] + index, value: values[2].value(at: [row] + index) ?? .nan, weight: m * slope)
        }
    }
}
