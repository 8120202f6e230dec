import RealModule
import Tensors

/// The head and its loss in one, for training: x [T, H], W [vocabulary, H], targets [T] (negative: none) → [T, H + 1], of each token the
/// slope dl/dx and then the loss l. The logits exist a chunk of the vocabulary at a time, and the slope costs no second look at them.
package struct HeadLoss: Op {
    package init() {}

    package static let card = OpCard(
        name: "head and loss", formula: "l = log Σᵥ exp(x·W[v]) − x·W[target],  dl/dx = Σᵥ p[v]·W[v] − W[target]",
        sentence: "The loss and its slope without ever holding the logits.",
        source: "online softmax: Milakov and Gimelshein 2018, arXiv:1805.02867; fused head: Hsu et al. 2024, arXiv:2410.10989")
    package static let samples = [
        OpSample(
            HeadLoss(), .normal(Shape((.token, 5), (.feature, 6))), .normal(Shape((.vocabulary, 37), (.feature, 6))), .ids(5, below: 37))
    ]

    package var isRepeatedCheaply: Bool { false }

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 2, 2, 1)
        try Shapes.expectEqual(inputs[0][1], inputs[1][1], "x's last axis and W's")
        try Shapes.expectEqual(inputs[0][0], inputs[2][0], "tokens of x and of the targets")
        return inputs[0].replacingLast(Axis(.feature, inputs[0][1] + 1))
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        let (x, w) = (inputs[0], inputs[1])
        let width = x.shape[1]
        let rows = (0..<x.shape[0]).flatMap { t in
            let target = Int(inputs[2].values[t])
            guard target >= 0 else { return [R](repeating: 0, count: width + 1) }
            let (p, log) = HeadLoss.softmax(x.row(t), w)
            let slope = (0..<width).map { i in
                p.indices.reduce(0) { $0 + p[$1] * w.values[$1 * width + i] } - w.values[target * width + i]
            }
            return slope + [log - HeadLoss.dot(x.row(t), w.row(target))]
        }
        return Dense(x.shape.replacingLast(Axis(.feature, width + 1)), rows)
    }

    private static func dot<R: Scalar>(_ a: ArraySlice<R>, _ b: ArraySlice<R>) -> R { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

    /// softmax(W·x) and log Σ exp(W·x).
    private static func softmax<R: Scalar>(_ x: ArraySlice<R>, _ w: Dense<R>) -> ([R], R) {
        let z = (0..<w.shape[0]).map { dot(x, w.row($0)) }
        let top = z.max() ?? 0
        let exps = z.map { R.exp($0 - top) }
        let sum = exps.reduce(0, +)
        return (exps.map { $0 / sum }, R.log(sum) + top)
    }

    package var kernels: [Kernel] {
        [
            Kernel("online", HeadLoss.online) { inputs, shape, threads in
                try Kernels.headLoss(inputs[0], inputs[1], targets: inputs[2], shape: shape, threads: threads)
            }
        ]
    }

    package func cost(_ inputs: [Shape], output: Shape) -> Int { 4 * inputs[0].elementCount * inputs[1][0] }

    /// The slope is a by-product: only the loss column sends a gradient back. The head's own weight is not differentiated here; where it is
    /// trained, head and loss are two ops.
    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.output], formula: "dX[t] = slope[t] · dl[t]",
                derivation: [
                    "l = log Σᵥ exp(x·W[v]) − x·W[target]", "∂l/∂x = Σᵥ p[v]·W[v] − W[target], which the forward made", "dx = ∂l/∂x · dl",
                ])
        ]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let width = shape[1]
        return Dense(shape) { position in
            let row = position / width * (width + 1)
            return values[0].values[row + position % width] * values[1].values[row + width]
        }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        let place = [index[0], gradient.shape[1]]
        return [Contribution(input: 1, index: place, value: values[1].value(at: place) ?? .nan, weight: values[0].value(at: index) ?? .nan)]
    }
}

/// The losses [T] out of what `HeadLoss` made [T, H + 1]; backward the slopes that lie beside them.
package struct LossColumn: Op {
    package init() {}

    package static let card = OpCard(
        name: "loss column", formula: "l[t] = y[t, H]", sentence: "The last column of the fused head: one loss a token.",
        source: "a part of the fused head")
    package static let samples = [OpSample(LossColumn(), .normal(Shape((.token, 4), (.feature, 6))))]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 2)
        return Shape([inputs[0].axes[0]])
    }

    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        Dense(Shape([inputs[0].shape.axes[0]])) { inputs[0].row($0).last ?? .nan }
    }

    package var derivatives: [Derivative] {
        [Derivative(0, reads: [], formula: "dY[t, H] = dl[t], 0 elsewhere", derivation: ["l[t] = y[t, H]"])]
    }

    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        Dense(shape) { $0 % shape[1] == shape[1] - 1 ? values[0].values[$0 / shape[1]] : 0 }
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard index[1] == gradient.shape[1] - 1 else { return [] }
        return [Contribution(input: 0, index: [index[0]], value: values[0].value(at: [index[0]]) ?? .nan, weight: 1)]
    }
}
