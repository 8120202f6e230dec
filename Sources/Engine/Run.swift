import Tensors

/// Where a run should come to rest if nothing stops it earlier.
package enum Goal: Sendable, Hashable {
    case step
    /// Out of the module that the next op belongs to.
    case overBlock
    /// Until the step that writes this value is next.
    case before(Int)
    /// Until this value is written.
    case past(Int)
    /// Until the first op of a layer is next, on the reverse walk the first that walks it back.
    case layer(Int)
    /// Until the loss is there and the reverse walk is next.
    case forwardEnd
    case end
}

/// Stops a run before the op that writes a matching value; before a part of a gradient only if the pattern says ` via `.
package struct Breakpoint: Sendable, Hashable {
    package let pattern: NamePattern
    package init(_ pattern: NamePattern) { self.pattern = pattern }

    package func stops(before value: Value) -> Bool { pattern.matches(value) && (!value.isPart || pattern.namesParts) }
}

/// Stops a run after an op whose value meets the condition.
package struct Watchpoint: Sendable, Hashable, CustomStringConvertible {
    package enum Condition: Sendable, Hashable {
        case nonFinite
        case absMax(over: Float)
        case std(over: Double)
        /// Some element differs by more from the same value of the run before.
        case changed(by: Float)
        /// The L2 norm of the residual stream, or of its gradient, is more than so many times that of the layer walked before.
        case normGrew(over: Double)
    }

    package let pattern: NamePattern
    package let condition: Condition

    package init(_ pattern: NamePattern, _ condition: Condition) {
        self.pattern = pattern
        self.condition = condition
    }

    package var description: String {
        switch condition {
        case .nonFinite: "\(pattern) has NaN or Inf"
        case .absMax(let limit): "max|\(pattern)| > \(limit)"
        case .std(let limit): "std(\(pattern)) > \(limit)"
        case .changed(let limit): "\(pattern) changed by more than \(limit)"
        case .normGrew(let factor): "norm of \(pattern) grew more than \(factor)× in one layer"
        }
    }
}

/// Why a run stands still.
package enum Stop: Sendable {
    case finished
    case reached
    case interrupted
    case breakpoint(Breakpoint, value: Int)
    case watchpoint(Watchpoint, value: Int, index: [Int], found: Double)
}

/// Everything that may stop a run.
package struct Stops: Sendable {
    package var breakpoints: [Breakpoint] = []
    package var watchpoints: [Watchpoint] = []
    /// The run before, for `changed`.
    package var baseline: Stepper?

    package init() {}
}

/// A run on its way to a goal. It may be interrupted and go on; where it began decides what "over the block" means and that a breakpoint
/// under the cursor does not stop the run that leaves it.
package struct Journey: Sendable {
    package let goal: Goal
    fileprivate let start: Int
    fileprivate let block: String
}

extension Stepper {
    package func journey(to goal: Goal) -> Journey {
        Journey(goal: goal, start: cursor, block: isFinished ? "" : program.block(ofStep: cursor))
    }

    /// Runs to a goal in one go.
    package mutating func run(to goal: Goal, stops: Stops = Stops()) throws -> Stop { try advance(journey(to: goal), stops: stops) }

    /// Goes on towards the journey's goal. `interrupted` is asked between ops.
    package mutating func advance(_ journey: Journey, stops: Stops = Stops(), interrupted: () -> Bool = { false }) throws -> Stop {
        while !isFinished {
            if cursor > journey.start, let stop = standing(journey) ?? breakpoint(stops) { return stop }
            if isThere(journey.goal) { return .reached }
            if interrupted() { return .interrupted }
            let id = try step()
            if let hit = try watchpoint(stops, id) { return hit }
        }
        return journey.goal == .end ? .finished : standing(journey) ?? .finished
    }

    /// Goals at which a run may already stand: it does not leave them.
    private func isThere(_ goal: Goal) -> Bool {
        switch goal {
        case .before(let id): program.values[id].step == cursor
        case .forwardEnd: cursor >= program.forwardCount
        default: false
        }
    }

    private func standing(_ journey: Journey) -> Stop? {
        switch journey.goal {
        case .step: return .reached
        case .overBlock:
            guard !isFinished, !journey.block.isEmpty else { return .reached }
            let name = program.site(ofStep: cursor)
            return name == journey.block || name.hasPrefix(journey.block + ".") ? nil : .reached
        case .before, .forwardEnd: return isThere(journey.goal) ? .reached : nil
        case .past(let id): return isComputed(id) ? .reached : nil
        case .layer(let layer): return isFinished ? nil : LayerPath(program.site(ofStep: cursor))?.layer == layer ? .reached : nil
        case .end: return nil
        }
    }

    private func breakpoint(_ stops: Stops) -> Stop? {
        guard !stops.breakpoints.isEmpty, let id = next else { return nil }
        let value = program.values[id]
        let hit = stops.breakpoints.first { $0.stops(before: value) }
        return hit.map { .breakpoint($0, value: id) }
    }

    private func watchpoint(_ stops: Stops, _ id: Int) throws -> Stop? {
        for point in stops.watchpoints where point.pattern.matches(program.values[id]) {
            if let (index, found) = try offence(point.condition, id, baseline: stops.baseline) {
                return .watchpoint(point, value: id, index: index, found: found)
            }
        }
        return nil
    }

    /// The first element that meets the condition, or the one that shows it best, and its value.
    private func offence(_ condition: Watchpoint.Condition, _ id: Int, baseline: Stepper?) throws -> ([Int], Double)? {
        guard let tensor = try tensor(id) else { return nil }
        let statistics = try statistics(id) ?? Statistics(of: tensor, threads: policy.threads)
        let shape = tensor.shape
        switch condition {
        case .nonFinite:
            // Hidden scores are −∞ by design and no fault.
            let masked = program.steps[program.values[id].step ?? 0].op is AttentionScores
            guard statistics.nan > 0 || statistics.positiveInfinity > 0 || (statistics.negativeInfinity > 0 && !masked) else { return nil }
            let values = tensor.floats()
            let at = values.firstIndex { $0.isNaN || $0 == .infinity || ($0 == -.infinity && !masked) } ?? 0
            return (shape.index(at: at), Double(values[at]))
        case .absMax(let limit):
            guard statistics.absMax > limit else { return nil }
            let at = -statistics.min > statistics.max ? statistics.minAt : statistics.maxAt
            return (shape.index(at: at ?? 0), Double(statistics.absMax))
        case .std(let limit): return statistics.std > limit ? (shape.index(at: statistics.maxAt ?? 0), statistics.std) : nil
        case .changed(let limit): return try change(of: id, tensor, beyond: limit, from: baseline)
        case .normGrew(let factor):
            guard let ratio = try growth(of: id, to: statistics), ratio > factor else { return nil }
            return (shape.index(at: (-statistics.min > statistics.max ? statistics.minAt : statistics.maxAt) ?? 0), ratio)
        }
    }

    /// The L2 norm of a layer's residual, or of its gradient, as a multiple of that of the layer that was walked before.
    private func growth(of id: Int, to statistics: Statistics) throws -> Double? {
        guard let before = program.streamBefore(id), let tensor = try tensor(before) else { return nil }
        let norm = try self.statistics(before)?.norm ?? Statistics(of: tensor, threads: policy.threads).norm
        return norm > 0 ? statistics.norm / norm : nil
    }

    private func change(of id: Int, _ tensor: Tensor, beyond limit: Float, from baseline: Stepper?) throws -> ([Int], Double)? {
        guard let baseline, let other = baseline.program.id(of: program.values[id].name), let before = try baseline.tensor(other),
            before.shape.counts == tensor.shape.counts
        else { return nil }
        let differences = zip(tensor.floats(), before.floats()).map { $0 == $1 ? 0 : abs($0 - $1) }
        guard let at = differences.firstIndex(where: { !($0 <= limit) }) else { return nil }
        return (tensor.shape.index(at: at), Double(differences[at]))
    }
}
