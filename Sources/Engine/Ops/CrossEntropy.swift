import RealModule
import Tensors

/// The loss of each token, in nats: logits [T, vocabulary], targets [T] (negative: masked, loss 0) → [T].
package struct CrossEntropy: Op {
    package init() {}

    package static let card = OpCard(
        name: "cross entropy", formula: "l[t] = log Σⱼ exp(z[t,j]) − z[t, target[t]]",
        sentence: "How surprised the model is by the token that really came.",
        source: "Goodfellow et al. 2016, section 6.2.2")
    package static let samples = [OpSample(CrossEntropy(), .normal(Shape((.token, 5), (.vocabulary, 37))), .ids(5, below: 37))]

    package func outputShape(_ inputs: [Shape]) throws(ShapeError) -> Shape {
        try Shapes.expect(inputs, ranks: 2, 1)
        try Shapes.expectEqual(inputs[0][0], inputs[1][0], "tokens of the logits and of the targets")
        return Shape([inputs[0].axes[0]])
    }

    @specialized(where R == Double)
    package func reference<R: Scalar>(_ inputs: [Dense<R>]) -> Dense<R> {
        Dense(Shape([inputs[0].shape.axes[0]])) { t in
            let target = Int(inputs[1].values[t])
            guard target >= 0 else { return 0 }
            let z = inputs[0].row(t)
            let top = z.max() ?? 0
            return R.log(z.reduce(0) { $0 + R.exp($1 - top) }) + top - z[z.startIndex + target]
        }
    }

    package var kernels: [Kernel] {
        [
            Kernel("simd", CrossEntropy.simd) { inputs, shape, threads in
                try Kernels.crossEntropy(inputs[0], targets: inputs[1], shape: shape, threads: threads)
            }
        ]
    }

    package func contributions(at index: [Int], inputs: [Tensor], output: Tensor) -> [Contribution] {
        guard let target = inputs[1].value(at: index), target >= 0 else { return [] }
        let place = index + [Int(target)]
        return [Contribution(input: 0, index: place, value: inputs[0].value(at: place) ?? .nan, weight: -1)]
    }

    package func expansion(_ graph: inout Graph, inputs: [Node], at index: [Int]) -> Node? {
        let top = graph.apply(Reduce(.max), [inputs[0]], as: "max")
        let shifted = graph.apply(Zip(.subtract), [inputs[0], top], as: "z − max")
        let exps = graph.apply(Map(.exp), [shifted], as: "exp(z − max)")
        let sum = graph.apply(Reduce(.sum), [exps], as: "Σ exp")
        let log = graph.apply(Map(.log), [sum], as: "log Σ exp")
        let total = graph.apply(Zip(.add), [log, top], as: "log Σ exp + max")
        let chosen = graph.apply(Zip(.pick), [inputs[0], inputs[1]], as: "z[target]")
        return graph.apply(Zip(.subtract), [total, chosen], as: "loss")
    }

    package var derivatives: [Derivative] {
        [
            Derivative(
                0, reads: [.input(0), .input(1)], formula: "dZ = (softmax(z) − onehot(target)) · dl",
                derivation: [
                    "l = log Σⱼ e^z[j] − z[target]", "∂(log Σⱼ e^z[j])/∂z[i] = e^z[i] / Σⱼ e^z[j] = p[i]",
                    "dz[i] = (p[i] − [i = target])·dl",
                    "tokens without a target: 0",
                ])
        ]
    }

    @specialized(where R == Double)
    package func backward<R: Scalar>(_ input: Int, _ values: [Dense<R>], shape: Shape) -> Dense<R> {
        let (targets, dl) = (values[1].values, values[2].values)
        return values[0].mapRows { t, z in
            let target = Int(targets[t])
            guard target >= 0 else { return z.map { _ in 0 } }
            let top = z.max() ?? 0
            let exps = z.map { R.exp($0 - top) }
            // The target's own p − 1 is minus the share of all others; as a difference it would lose its digits where p is near 1.
            let others = exps.indices.reduce(0) { $1 == target ? $0 : $0 + exps[$1] }
            let sum = others + (exps.indices.contains(target) ? exps[target] : 0)
            return exps.indices.map { ($0 == target ? -others : exps[$0]) / sum * dl[t] }
        }
    }

    package func backwardKernels(_ input: Int) -> [Kernel] {
        [
            Kernel(rounding: "simd", roundsOutput: true) { values, _, arithmetic in
                try Kernels.crossEntropyGradient(
                    values[0], targets: values[1], dL: values[2], rounding: arithmetic.rounding.format, threads: arithmetic.threads)
            }
        ]
    }

    package func backwardContributions(_ input: Int, at index: [Int], values: [Tensor], gradient: Tensor) -> [Contribution] {
        guard let dl = values[2].value(at: [index[0]]), let dz = gradient.value(at: index), dl != 0 else { return [] }
        return [Contribution(input: 2, index: [index[0]], value: dl, weight: dz / dl)]
    }

    package func backwardExpansion(_ graph: inout Graph, _ input: Int, values: [Node], shape: Shape, at index: [Int]) -> Node? {
        let shifted = graph.apply(Zip(.subtract), [values[0], graph.apply(Reduce(.max), [values[0]], as: "max")], as: "z − max")
        let exps = graph.apply(Map(.exp), [shifted], as: "exp(z − max)")
        let p = graph.apply(Zip(.divide), [exps, graph.apply(Reduce(.sum), [exps], as: "Σ exp")], as: "softmax(z)")
        let target = graph.apply(OneHot(classes: shape.axes[1]), [values[1]], as: "onehot(target)")
        let difference = graph.apply(Zip(.subtract), [p, target], as: "softmax(z) − onehot(target)")
        return graph.apply(Zip(.multiply), [difference, values[2]], as: "(softmax(z) − onehot(target))·dl")
    }
}
