import Engine
import Screen

extension Command {
    static let gradientCommands: [Command] = [
        Command("backward", "[step|layer|end] [N]", .run, "walk back from the loss: N ops, over a layer, or to the end or pause") {
            session, arguments throws(CommandError) in
            try session.needRun()
            switch arguments[0] ?? "end" {
            case "step":
                let count = min(max(try arguments.integer(1, default: 1), 1), 1000)
                return Array(repeating: .engine(.reverse(try session.reverseGoal(.step))), count: count)
            case "layer": return [.engine(.reverse(try session.reverseLayerGoal()))]
            case "end":
                if session.snapshot?.isRunning == true { return [.engine(.cancel)] }
                return [.engine(.reverse(try session.reverseGoal(.end)))]
            case let word: throw CommandError("'\(word)' is no way to walk; there are step, layer, end")
            }
        },
        Command("check", .run, "measure the slope of the loss at the element under the cursor, in fp64") {
            session, _ throws(CommandError) in
            try session.needRun()
            guard session.snapshot?.inner.isEmpty == true else { throw CommandError("leave the op first (X)") }
            guard session.page == .gradient, let element = session.gradientElement, session.gradientEntry != nil else {
                throw CommandError("on the Grad screen, at a value that has a gradient")
            }
            session.gradient.check = element
            return []
        },
        Command("gradient-side", "[gradient|value]", .view, "which of the two pictures is large on a small screen") {
            session, arguments throws(CommandError) in
            switch arguments[0] {
            case nil: session.gradient.showsValueLarge.toggle()
            case "value": session.gradient.showsValueLarge = true
            case "gradient": session.gradient.showsValueLarge = false
            case let word?: throw CommandError("'\(word)' is neither gradient nor value")
            }
            return []
        },
        Command("gradient-part", "[gradient|update]", .view, "a weight's gradient, or what plain SGD would add to the weight") {
            session, arguments throws(CommandError) in
            session.gradient.part = try Command.choice(arguments[0], session.gradient.part)
            return []
        },
        Command("update-rate", "LR", .view, "the learning rate of the update that is shown") { session, arguments throws(CommandError) in
            let rate = try arguments.number(0)
            guard rate.isFinite, rate > 0 else { throw CommandError("a learning rate is a positive number") }
            session.gradient.learningRate = rate
            return []
        },
    ]
}

extension Session {
    /// On the Grad screen the run goes on behind the loss.
    func onward(_ goal: Goal) throws(CommandError) -> Effect {
        try needRun()
        return .engine(.onward(goal, walksBack: page == .gradient))
    }

    /// On the Grad screen: to where the selected gradient is written next. Nil elsewhere.
    func runToGradient() -> Effect? {
        guard page == .gradient, snapshot?.inner.isEmpty == true, let list = reverse, let entry = gradientEntry else { return nil }
        return .engine(.runTo(list.entries[entry].output, walksBack: true))
    }

    /// The name that a breakpoint or watchpoint is for: on the Grad screen the gradient's.
    var stopName: String? {
        guard page == .gradient, let list = reverse, let entry = gradientEntry else { return selectedValue?.name }
        return list.program.values[list.entries[entry].output].name
    }

    fileprivate func reverseGoal(_ goal: Goal) throws(CommandError) -> Goal {
        if let why = reverseProblem { throw CommandError(why) }
        if isDifferentiated, snapshot?.walking.isFinished == true { throw CommandError.atTheEnd }
        return goal
    }

    /// Until the first step of the next layer is next.
    fileprivate func reverseLayerGoal() throws(CommandError) -> Goal {
        guard let list = reverse else { throw CommandError(reverseProblem ?? "open the Grad screen first") }
        guard snapshot?.inner.isEmpty == true else { return try reverseGoal(.end) }
        let now = list.groups.firstIndex { $0.entries.contains(reverseCursor ?? 0) } ?? list.groups.count
        guard let next = list.groups[safe: now + 1] else { return try reverseGoal(.end) }
        return try reverseGoal(.before(list.entries[next.entries.lowerBound].output))
    }
}
