import Engine
import Models

/// Steps back, into and out of ops, and from token to token.
extension EngineState {
    mutating func stepBack() {
        journey = nil
        if !inner.isEmpty {
            if inner[inner.count - 1].stepper.cursor == 0 { return stepOut() }
            inner[inner.count - 1].stepper.stepBack()
        } else if !passes.isEmpty {
            if passes[passes.count - 1].stepper.cursor == 0, passes.count > 1 { passes.removeLast() }
            passes[passes.count - 1].stepper.stepBack()
        }
        publish()
    }

    mutating func back(to step: Int) {
        guard let last = passes.indices.last else { return }
        while passes[last].stepper.cursor > step { passes[last].stepper.stepBack() }
        publish()
    }

    mutating func stepInto(_ value: ValueRef, _ index: [Int]) throws {
        let level = min(value.level, inner.count)
        let outer = level == 0 ? passes.last?.stepper : inner[level - 1].stepper
        guard let outer else { return }
        guard let expansion = try outer.expansion(of: value.id, at: index) else {
            throw PromptError(
                rule: "\(outer.program.values[value.id].name): its op has nothing smaller inside, or its inputs have not been computed")
        }
        inner.removeSubrange(level...)
        entered.removeSubrange(level...)
        inner.append(expansion)
        entered.append(outer.program.values[value.id].name)
        run += 1
        publish()
    }

    mutating func stepOut() {
        guard !inner.isEmpty else { return }
        inner.removeLast()
        entered.removeLast()
        run += 1
        publish()
    }

    // MARK: tokens

    mutating func nextToken(_ cancelled: () -> Bool) throws {
        if training?.walk != nil { return try moveWalk(by: 1, cancelled) }
        guard let last = passes.indices.last else { return }
        (inner, entered) = ([], [])
        let program = passes[last].stepper.program
        if passes[last].stepper.cursor < program.forwardCount {
            let loss: Goal = program.hasBackward ? .before(program.steps[program.forwardCount].output) : .end
            let journey = passes[last].stepper.journey(to: loss)
            if case .interrupted = try passes[last].stepper.advance(journey, interrupted: cancelled) {
                emit(.stopped(.interrupted))
                return publish()
            }
        }
        var pass = passes[last]
        guard let logits = try pass.lastLogits() else { return }
        var sampler = Sampler.greedy
        try pass.append(sampler.choose(logits))
        passes.append(pass)
        run += 1
        start(.end)
        publish()
    }

    mutating func previousToken(_ cancelled: () -> Bool) throws {
        if training?.walk != nil { return try moveWalk(by: -1, cancelled) }
        guard passes.count > 1 else { throw PromptError(rule: "this is the prompt; there is no earlier pass") }
        passes.removeLast()
        (inner, entered, journey) = ([], [], nil)
        run += 1
        publish()
    }
}
