import Engine
import Tensors

/// The optimizer's update of one weight as a program of its own: `grad:W` and what is left of earlier steps go in, `new:W` comes out, and
/// what lies between (`grad.clipped:W`, `adam.m:W`, `adam.v:W`, `decayed:W`, `update:W`) can be looked at like any other value.
package struct UpdateRule: Sendable {
    package let settings: TrainingSettings

    package init(_ settings: TrainingSettings) { self.settings = settings }

    /// What is kept of a weight from one step to the next.
    package var slots: [String] {
        switch settings.optimizer {
        case .adamw, .adamw8bit: ["adam.m", "adam.v"]
        case .sgd: settings.momentum > 0 ? ["sgd.m"] : []
        }
    }

    /// - Parameters:
    ///   - step: from 1.
    ///   - clip: what the gradient is multiplied with; 1: nothing.
    package func program(_ name: String, _ shape: Shape, rate: Double, step: Int, clip: Double) throws(ProgramError) -> Program {
        var graph = Graph()
        let weight = graph.weight(name, shape)
        let before = slots.map { graph.input("\($0).before:\(name)", shape) }
        var gradient = graph.input("grad:\(name)", shape, role: .gradient)
        if clip != 1 { gradient = graph.apply(Map(.times(clip)), [gradient], as: "grad.clipped:\(name)", role: .gradient) }
        if settings.optimizer == .sgd {
            sgd(&graph, name, weight, gradient, before, rate: rate)
        } else {
            let parts = adam(&graph, name, weight, gradient, before, rate: rate, step: step)
            graph.apply(Add(), parts, as: "new:\(name)", role: .gradient)
        }
        return try Program(graph)
    }

    /// The weight, shortened by its decay, and what is added to it: PyTorch's order.
    private func adam(
        _ graph: inout Graph, _ name: String, _ weight: Node, _ gradient: Node, _ before: [Node], rate: Double, step: Int
    ) -> [Node] {
        let m = graph.apply(
            MovingAverage(beta: settings.beta1, squared: false), [before[0], gradient], as: "adam.m:\(name)", role: .gradient)
        let v = graph.apply(
            MovingAverage(beta: settings.beta2, squared: true), [before[1], gradient], as: "adam.v:\(name)", role: .gradient)
        let op = AdamUpdate(
            rate: rate, beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.eps, step: step)
        let update = graph.apply(op, [m, v], as: "update:\(name)", role: .gradient)
        guard settings.weightDecay > 0 else { return [weight, update] }
        let keep = Map(.times(1 - rate * settings.weightDecay))
        return [graph.apply(keep, [weight], as: "decayed:\(name)", role: .gradient), update]
    }

    /// w − lr · m with m ← μ·m + g + λ·w, as PyTorch has it (no dampening, no Nesterov): what is added to a weight, by its decay or by the
    /// step, is not rounded before it is.
    private func sgd(
        _ graph: inout Graph, _ name: String, _ weight: Node, _ gradient: Node, _ before: [Node], rate: Double
    ) {
        var slope = gradient
        if settings.weightDecay > 0 {
            slope = graph.apply(
                AddScaled(scale: settings.weightDecay, isFused: true), [slope, weight], as: "grad.decayed:\(name)", role: .gradient)
        }
        if let momentum = before.first {
            slope = graph.apply(AddScaled(scale: settings.momentum), [slope, momentum], as: "sgd.m:\(name)", role: .gradient)
        }
        // For those who look; the sum takes the product as it is before it is rounded.
        graph.apply(Map(.times(-rate)), [slope], as: "update:\(name)", role: .gradient)
        graph.apply(AddScaled(scale: -rate, isFused: true), [weight, slope], as: "new:\(name)", role: .gradient)
    }
}
