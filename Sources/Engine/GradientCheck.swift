import Tensors

/// A gradient held against what it means: the change of the loss when one element changes, (L(x + h) − L(x − h)) / 2h in fp64, with
/// h = 10⁻⁶·max(1, |x|). Nocedal and Wright 2006, Numerical Optimization, section 8.1.
package struct GradientCheck: Sendable {
    /// The value whose element is moved, and the element.
    package let value: Int
    package let index: [Int]
    /// dL/dx by the fp32 walk, by the fp64 walk, and measured.
    package let single: Double
    package let double: Double
    package let quotient: Double
    /// The largest magnitude in the whole gradient: what an absolute error is measured by.
    package let scale: Double

    /// A thousandth of the slope, and where the slope is small, a hundred-thousandth of the gradient's largest element; below a billionth
    /// the difference quotient itself is rounding noise.
    private var tolerance: Double { 1e-3 * abs(quotient) + max(min(1e-5 * scale, 1e-5), 1e-9) }

    /// Of the walk that lies farther off, as a share of the slope.
    package var relativeError: Double {
        let error = max(abs(single - quotient), abs(double - quotient))
        return error == 0 ? 0 : error / max(abs(quotient), abs(double))
    }

    package var passes: Bool { abs(single - quotient) <= tolerance && abs(double - quotient) <= tolerance }

    package init(value: Int, index: [Int], single: Double, double: Double, quotient: Double, scale: Double) {
        self.value = value
        self.index = index
        (self.single, self.double, self.quotient, self.scale) = (single, double, quotient, scale)
    }
}

/// Checks elements of a model's gradients.
package struct GradientChecker: Sendable {
    private let walk: Stepper
    private let exact: Evaluation
    private let loss: Int

    /// `walk` has run to its end and kept every gradient. Nil if the program has no loss.
    package init?(_ walk: Stepper, visit: (Int) throws -> Void = { _ in }) throws {
        guard let loss = walk.program.id(of: "loss"), walk.program.hasBackward else { return nil }
        let leaves = walk.program.values.indices.filter { walk.program.values[$0].step == nil }
        let bindings = Dictionary(uniqueKeysWithValues: try leaves.compactMap { id in try walk.tensor(id).map { (id, $0) } })
        self.walk = walk
        self.loss = loss
        exact = try Evaluation(walk.program, bindings: bindings, visit: visit)
    }

    /// The element with the largest gradient, and others drawn at random: `count` in all, fewer if the value has not as many.
    package func elements(of id: Int, count: Int, random: inout some RandomNumberGenerator) -> [Int] {
        guard let gradient = walk.program.gradient(of: id).map({ exact.values[$0].values }) else { return [] }
        let candidates = gradient.indices.filter { isSeen($0, of: id) }
        guard let top = candidates.max(by: { abs(gradient[$0]) < abs(gradient[$1]) }) else { return [] }
        var chosen = [top]
        for _ in 0..<8 * count where chosen.count < min(count, candidates.count) {
            if let other = candidates.randomElement(using: &random), !chosen.contains(other) { chosen.append(other) }
        }
        return chosen
    }

    /// A hidden score or probability acts on nothing: moving it shows nothing.
    private func isSeen(_ position: Int, of id: Int) -> Bool {
        guard exact.values[id].values[position].isFinite else { return false }
        return walk.program.consumers(of: id).allSatisfy { number in
            guard let context = walk.program.steps[number].op as? AttentionContext, walk.program.steps[number].inputs[0] == id else {
                return true
            }
            let shape = walk.program.values[id].shape
            let index = shape.index(at: position)
            return context.mask.pass(queries: shape[1], keys: shape[2]).range(query: index[1], keys: shape[2]).contains(index[2])
        }
    }

    /// Nil if the value has no gradient.
    package func check(_ id: Int, at position: Int) throws -> GradientCheck? {
        guard let gradient = walk.program.gradient(of: id), let single = try walk.tensor(gradient) else { return nil }
        let index = walk.program.values[id].shape.index(at: position)
        let step = 1e-6 * max(1, abs(exact.values[id].values[position]))
        let above = exact.number(loss, moving: id, at: position, by: step)
        let below = exact.number(loss, moving: id, at: position, by: -step)
        return GradientCheck(
            value: id, index: index, single: single.value(at: index) ?? .nan, double: exact.values[gradient].values[position],
            quotient: (above - below) / (2 * step), scale: exact.values[gradient].values.reduce(0) { max($0, abs($1)) })
    }
}
