import Tensors

/// A norm whose scale is no function of its input any more: x [rows, n], w [n] (, b [n]) → w · x · r, or w · (x − μ) · r + b, with one r
/// a row kept from another run; 1 + w in the place of w if the norm had it. What `freeze` puts in the place of RMSNorm and LayerNorm; it reads what they read.
package struct FrozenNorm: Op {
    /// One a row.
    package let scales: [Double]
    /// LayerNorm takes the mean off, which is linear and stays.
    package let isCentred: Bool
    package let hasBias: Bool
    package let plusOne: Bool

    /// A norm that takes the mean off has a bias, unless something else is said.
    package init(scales: [Double], isCentred: Bool, hasBias: Bool? = nil, plusOne: Bool = false) {
        self.scales = scales
        self.isCentred = isCentred
        self.hasBias = hasBias ?? isCentred
        self.plusOne = plusOne
    }

    /// The same norm with other rows.
    func keeping(_ scales: [Double]) -> FrozenNorm { FrozenNorm(scales: scales, isCentred: isCentred, hasBias: hasBias, plusOne: plusOne) }

    /// A norm's scales for given rows; nil if the op is no norm.
    package init?(_ op: any Op, keeping x: Tensor) {
        let rows = (0..<x.shape.rowCount).map { x[$0].floats().map(Double.init) }
        switch op {
        case let norm as RMSNorm:
            self.init(scales: rows.map { FrozenNorm.scale($0, mean: 0, norm.epsilon) }, isCentred: false, plusOne: norm.plusOne)
        case let norm as LayerNorm:
            let scales = rows.map { FrozenNorm.scale($0, mean: norm.centres ? $0.reduce(0, +) / Double($0.count) : 0, norm.epsilon) }
            self.init(scales: scales, isCentred: norm.centres, hasBias: true)
        default: return nil
        }
    }

    /// 1/√(mean((x − μ)²) + ε)
    private static func scale(_ x: [Double], mean: Double, _ epsilon: Double) -> Double {
        1 / (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count) + epsilon).squareRoot()
    }

    package static let card = OpCard(
        name: "frozen norm", formula: "y = w · (x − μ) · r + b,  r kept",
        sentence: "A norm with the scale of the unedited run: it is linear.",
        source: "Elhage et al. 2021, A Mathematical Framework for Transformer Circuits")
    package static let samples = [
        OpSample(
            FrozenNorm(scales: [0.5, 1.5, 2, 0.25], isCentred: false), .normal(Shape((.token, 4), (.feature, 9))),
            .normal(Shape((.feature, 9)))),
        OpSample(
            FrozenNorm(scales: [0.5, 1.5, 2, 0.25], isCentred: true), .normal(Shape((.token, 4), (.feature, 9))),
            .normal(Shape((.feature, 9))), .normal(Shape((.feature, 9)))),
        OpSample(
            FrozenNorm(scales: [0.5, 2, 0.25], isCentred: false, plusOne: true), .normal(Shape((.token, 3), (.feature, 9))),
            .normal(Shape((.feature, 9)))),
    ]
    package var parameters: [(name: String, value: String)] { [("r", "\(scales.prefix(4).map { Float($0) })")] }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        guard inputs.count == (hasBias ? 3 : 2) else {
            throw ShapeError("takes x, w\(hasBias ? ", b" : ""), got \(inputs.count) inputs")
        }
        try Shapes.expectEqual(inputs[0].rowLength, inputs[1].elementCount, "x's last axis and w's length")
        try Shapes.expectEqual(inputs[0].rowCount, scales.count, "rows and kept scales")
        return inputs[0]
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let w = factors(inputs[1].values)
        let b = inputs.count > 2 ? inputs[2].values : w.map { _ in 0 }
        return normalised(inputs[0]).mapRows { _, n in n.indices.map { n[$0] * w[$0 - n.startIndex] + b[$0 - n.startIndex] } }
    }

    private func factors<R: Scalar>(_ w: [R]) -> [R] { plusOne ? w.map { 1 + $0 } : w }

    /// (x − μ) · r
    private func normalised<R: Scalar>(_ x: Dense<R>) -> Dense<R> {
        x.mapRows { number, row in
            let mean = isCentred ? row.reduce(0, +) / R(row.count) : 0
            return row.map { ($0 - mean) * scale(number) }
        }
    }

    private func scale<R: Scalar>(_ row: Int) -> R { R(scales.indices.contains(row) ? scales[row] : .nan) }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        Norms.contribution(at: index, inputs: inputs, output: output)
    }

    /// The reads are those of the norm it stands for.
    package var derivatives: [Derivative] {
        let centred = isCentred ? " − mean(dY·w)" : ""
        let own = [
            Derivative(
                0, reads: [.input(0), .input(1)], formula: "dX = r·(dY·w\(centred)),  r kept",
                derivation: ["y = w·(x − μ)·r + b, r a constant", "∂μ/∂x[j] = 1/N", "dx = r·(g − mean g),  g = dY·w; without μ: dx = r·g"]),
            Derivative(
                1, reads: [.input(0)], formula: "dw = Σₜ dY·n,  n = (x − μ)·r",
                derivation: ["y[t,j] = w[j]·n[t,j]", "dw[j] = Σₜ dy[t,j]·n[t,j]"]),
        ]
        let offset = Derivative(2, reads: [], formula: "db = Σₜ dY", derivation: ["∂y[t,j]/∂b[j] = 1", "db[j] = Σₜ dy[t,j]"])
        return hasBias ? own + [offset] : own
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let dy = values[values.count - 1]
        if input == 2 { return Norms.columnSums(of: dy, times: Dense(dy.shape) { _ in 1 }, shape) }
        if input == 1 { return Norms.columnSums(of: dy, times: normalised(values[0]), shape) }
        let w = factors(values[1].values)
        return dy.mapRows { number, row in
            let g = zip(row, w).map { $0 * $1 }
            let mean = isCentred ? g.reduce(0, +) / R(g.count) : 0
            return g.map { ($0 - mean) * scale(number) }
        }
    }

    /// r·w[i]·(δ[i,j] − 1/N) of each dy[i] of the row (without μ its own alone); for dw[j] n[t,j] of each dy[t,j], for db[j] 1.
    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let last = values.count - 1
        let width = values[last].shape.rowLength
        func term(_ place: [Int], _ weight: Double) -> Contribution {
            Contribution(input: last, index: place, value: values[last].value(at: place) ?? .nan, weight: weight)
        }
        guard input == 0 else {
            let n = input == 1 ? normalised(Dense<Double>(values[0])).values : []
            return (0..<values[last].shape.rowCount).map { t in term([t, index[0]], input == 1 ? n[t * width + index[0]] : 1) }
        }
        let r: Double = scale(index[0])
        return (isCentred ? Array(0..<width) : [index[1]]).map { i in
            let share = (i == index[1] ? 1 : 0) - (isCentred ? 1 / Double(width) : 0)
            return term([index[0], i], r * ((plusOne ? 1 : 0) + (values[1].value(at: [i]) ?? .nan)) * share)
        }
    }
}
