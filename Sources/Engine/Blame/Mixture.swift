import Tensors

/// What can be in one format or another on its own: a value with the views of it, or a weight.
package struct FormatUnit: Sendable, Hashable {
    /// The value that is rounded, first, and those that show it.
    package let values: [Int]
    package let name: String
    /// The op's name, or `weight`.
    package let kind: String
    package let layer: Int?

    package var value: Int { values[0] }
}

/// A run between two: each unit is as in the low run or as in the high one, and only what lies downstream of a change is computed. Both have
/// finished the same program with the same inputs and kept their values.
package struct Mixture: Sendable {
    package let low: Stepper
    package let high: Stepper
    package let units: [FormatUnit]
    /// By unit.
    private(set) package var isHigh: [Bool]
    /// By value: the unit that it belongs to.
    private let unit: [Int?]
    /// Values that differ from the run at which the mixture began, which is `base`.
    private var made: [Int: Tensor] = [:]
    private let base: Stepper
    /// Values that are no numbers.
    private var bad: Set<Int>

    /// All low, or all high.
    package init(low: Stepper, high: Stepper, isHigh: Bool) throws {
        (self.low, self.high) = (low, high)
        base = isHigh ? high : low
        units = Mixture.units(low, high)
        self.isHigh = Array(repeating: isHigh, count: units.count)
        var unit = [Int?](repeating: nil, count: low.program.values.count)
        for (number, one) in units.enumerated() { for id in one.values { unit[id] = number } }
        self.unit = unit
        bad = []
        for step in low.program.steps {
            if let tensor = try base.tensor(step.output), Mixture.isBad(tensor, step.op) { bad.insert(step.output) }
        }
    }

    /// Values that the two runs make otherwise, and weights that they round otherwise. A view goes with what it shows.
    private static func units(_ low: Stepper, _ high: Stepper) -> [FormatUnit] {
        let program = low.program
        var views: [Int: [Int]] = [:]
        var root = Array(program.values.indices)
        for step in program.steps where step.op.isView || step.op is AppendCache {
            if let source = step.inputs.last { root[step.output] = root[source] }
            for input in step.inputs where program.values[input].role == .cache { views[root[step.output], default: []].append(input) }
            views[root[step.output], default: []].append(step.output)
        }
        return program.values.indices.compactMap { id in
            let value = program.values[id]
            guard root[id] == id, isOther(id, low, high) else { return nil }
            let kind = value.step.map { program.steps[$0].op.card.name } ?? "weight"
            return FormatUnit(values: [id] + (views[id] ?? []), name: value.name, kind: kind, layer: value.layer)
        }
    }

    private static func isOther(_ id: Int, _ low: Stepper, _ high: Stepper) -> Bool {
        if let step = low.program.values[id].step { return !low.choices[step].isSame(as: high.choices[step]) }
        guard low.program.values[id].role == .weight, let a = low.recording.tensors[id], let b = high.recording.tensors[id] else {
            return false
        }
        return !a.isSame(as: b)
    }

    package var isFinite: Bool { bad.isEmpty }

    package func tensor(_ id: Int) throws -> Tensor? { try made[id] ?? base.tensor(id) }

    package var logits: Tensor? { get throws { try low.program.id(of: "logits").flatMap { try tensor($0) } } }

    /// The same with some units the other way. Nil if `interrupted`.
    package func turning(_ numbers: some Sequence<Int>, interrupted: () -> Bool = { false }) throws -> Mixture? {
        var next = self
        var turned = Set<Int>()
        for number in numbers {
            next.isHigh[number].toggle()
            turned.formUnion(units[number].values)
        }
        var dirty = Set(turned.filter { low.program.values[$0].step == nil && next.place($0) })
        for (number, step) in low.program.steps.enumerated()
        where turned.contains(step.output) || step.inputs.contains(where: dirty.contains) {
            if interrupted() { return nil }
            if try next.renew(number) { dirty.insert(step.output) } else { dirty.remove(step.output) }
        }
        return next
    }

    /// Puts a weight's other tensor in. A cache of an earlier pass is what it is.
    private mutating func place(_ id: Int) -> Bool {
        guard low.program.values[id].role == .weight, let number = unit[id] else { return false }
        made[id] = (isHigh[number] ? high : low).recording.tensors[id]
        return true
    }

    /// Runs a step once more; false if the bits stay.
    private mutating func renew(_ number: Int) throws -> Bool {
        let step = low.program.steps[number]
        let old = try tensor(step.output)
        let inputs = try step.inputs.map { id in
            guard let tensor = try tensor(id) else { throw BindingError(rule: "\(low.program.values[id].name) has no value") }
            return tensor
        }
        let op = low.op(ofStep: number)
        let shape = try op.outputShape(inputs.map(\.shape))
        let new = try Stepper.compute(op, choice(number), inputs, shape, threads: low.policy.threads)
        if let old, old.isContiguous, new.isContiguous, new.type == old.type, new.hasBits(of: old) { return false }
        made[step.output] = new
        if Mixture.isBad(new, step.op) { bad.insert(step.output) } else { bad.remove(step.output) }
        return true
    }

    /// A view takes over what it shows.
    private func choice(_ number: Int) -> Policy.Choice {
        let step = low.program.steps[number]
        var choice = (unit[step.output].map { isHigh[$0] } ?? true ? high : low).choices[number]
        choice.isCopy = choice.isCopy || step.op.isView || step.op is AppendCache
        return choice
    }

    /// Hidden scores are −∞ by design.
    private static func isBad(_ tensor: Tensor, _ op: any Op) -> Bool {
        guard tensor.type.isFloat else { return false }
        if op.hidesWithInfinity { return tensor.floats().contains { !$0.isFinite && $0 != -.infinity } }
        return tensor.floats().contains { !$0.isFinite }
    }
}

extension Tensor {
    /// Both contiguous and of one type.
    fileprivate func hasBits(of other: Tensor) -> Bool {
        guard shape.counts == other.shape.counts else { return false }
        let count = elementCount * type.byteCount
        let mine = UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
        let theirs = UnsafeRawBufferPointer(rebasing: other.bytes.prefix(count))
        // Words at a time: every value of a pass is compared.
        let words = count / 8
        return (0..<words).allSatisfy { word in
            mine.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)
                == theirs.loadUnaligned(fromByteOffset: 8 * word, as: UInt64.self)
        } && mine.dropFirst(8 * words).elementsEqual(theirs.dropFirst(8 * words))
    }
}

extension Mixture {
    /// The policy that makes this run: the low run's rules, and a line for each value that is high.
    package var rules: [Policy.Rule] {
        low.policy.rules + low.policy.live
            + units.indices.filter { isHigh[$0] }.flatMap { number in units[number].values.map { rule($0) } }
    }

    private func rule(_ id: Int) -> Policy.Rule {
        var rule = Policy.Rule(.value(low.program.values[id].name), format: high.format(of: id))
        guard let step = low.program.values[id].step else { return rule }
        let (a, b) = (low.choices[step], high.choices[step])
        if a.inputs != b.inputs { rule.inputs = b.inputs ?? .fp32 }
        if a.accumulation != b.accumulation { rule.accumulation = b.accumulation ?? .fp32 }
        if a.kernelName != b.kernelName { rule.kernel = b.kernelName }
        return rule
    }
}
