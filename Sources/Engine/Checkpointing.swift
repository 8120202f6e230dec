/// What of the forward pass waits for the reverse walk. What does not wait is computed again when the walk comes to it, a segment at a
/// time, each op once, with the same bits: memory for time (Chen et al. 2016, arXiv:1604.06174).
package enum Checkpointing: String, Sendable, Hashable, CaseIterable {
    /// Everything that the reverse walk reads.
    case none
    /// The residual of every layer: L residuals wait, and one layer's values come back at a time.
    case layer
    /// The residual of every √L-th layer: √L residuals wait, and √L layers' values come back at a time. Less than `layer` only where
    /// layers are many and a layer's values few.
    case sqrt
    /// Products with weights, residuals and contexts wait; norms, functions, scores and probabilities, which cost little beside their
    /// memory, come back a layer at a time.
    case light

    package var keep: Recording.Keep { self == .none ? .nothing : .residuals(self) }

    /// How many layers a segment has; nil: there are no segments.
    func segmentLength(layers: Int) -> Int? {
        switch self {
        case .none: nil
        case .layer, .light: 1
        case .sqrt: max(1, Int(Double(layers).squareRoot().rounded()))
        }
    }
}

/// The forward list cut behind kept residuals.
struct Segments: Sendable {
    /// Steps between two kept residuals, the second one's included.
    let ranges: [Range<Int>]
    /// What comes behind the last: the reverse walk begins with it, so all of it waits.
    let rest: Range<Int>
    /// By forward step: the values that no forward step reads any more, to be computed again later.
    private let dropped: [Int: [Int]]
    /// By segment's begin: values that only what is computed again reads, so that they must wait for it.
    private let held: [Int: Set<Int>]

    /// Nil where there is no reverse walk.
    init?(_ program: Program, _ checkpointing: Checkpointing) {
        guard program.hasBackward else { return nil }
        let streams = LogitLens.streams(program)
        let length = checkpointing.segmentLength(layers: streams.count - 1)
        let kept = length.map { Swift.stride(from: 0, to: streams.count, by: $0).map { streams[$0] } } ?? []
        let ends = kept.compactMap { program.values[$0].step.map { $0 + 1 } }
        ranges = zip([0] + ends, ends).map { $0..<$1 }
        rest = (ends.last ?? 0)..<program.forwardCount
        let all = Segments.dropped(program, ranges)
        guard checkpointing == .light else {
            (dropped, held) = (all, [:])
            return
        }
        dropped = all.mapValues { ids in ids.filter { Segments.isLight(program, $0) } }
        held = Segments.held(program, ranges, Set(dropped.values.joined()))
    }

    /// Whether a value is made again at little cost.
    private static func isLight(_ program: Program, _ id: Int) -> Bool {
        guard let step = program.values[id].step else { return false }
        return program.values[id].role != .residual && program.steps[step].op.isRepeatedCheaply
    }

    /// What the dropped values of a segment are made from, down to values that wait anyway.
    private static func held(_ program: Program, _ ranges: [Range<Int>], _ dropped: Set<Int>) -> [Int: Set<Int>] {
        var held: [Int: Set<Int>] = [:]
        for range in ranges {
            var again: Set<Int> = []
            for number in range.reversed() {
                let id = program.steps[number].output
                guard dropped.contains(id) || again.contains(id) else { continue }
                for input in program.steps[number].inputs where program.values[input].step != nil {
                    let isRepeated = range.contains(program.values[input].step ?? -1) && isLight(program, input)
                    if isRepeated { again.insert(input) } else { held[range.lowerBound, default: []].insert(input) }
                }
            }
        }
        return held
    }

    /// Whether a value must wait for its segment although no step of the walk reads it.
    func isHeld(_ id: Int, by step: Int) -> Bool { segment(of: step).map { held[$0.lowerBound]?.contains(id) == true } ?? false }

    func held(by segment: Range<Int>) -> Set<Int> { held[segment.lowerBound] ?? [] }

    /// What the reverse walk reads and no later segment does: a value that lives across a cut would have to be made twice.
    private static func dropped(_ program: Program, _ ranges: [Range<Int>]) -> [Int: [Int]] {
        var last: [Int: Int] = [:]
        for number in 0..<program.forwardCount { for input in program.steps[number].inputs { last[input] = number } }
        var dropped: [Int: [Int]] = [:]
        for range in ranges {
            for number in range {
                let id = program.steps[number].output
                let end = last[id] ?? number
                if end < range.upperBound, program.lastUse[id] >= program.forwardCount, program.isPassing(id) {
                    dropped[end, default: []].append(id)
                }
            }
        }
        return dropped
    }

    func dropped(after step: Int) -> [Int] { dropped[step] ?? [] }

    /// Steps of a segment whose values are gone and are needed: by the walk from `number` on, or for such a value.
    func missing(in segment: Range<Int>, for number: Int, _ program: Program, isThere: (Int) -> Bool) -> [Int] {
        var wanted: Set<Int> = []
        var plan: [Int] = []
        for step in segment.reversed() {
            let id = program.steps[step].output
            guard !isThere(id), program.lastUse[id] >= number || wanted.contains(id) else { continue }
            plan.append(step)
            wanted.formUnion(program.steps[step].inputs)
        }
        return plan.reversed()
    }

    /// The segment in which a step lies; nil for one of the reverse walk.
    func segment(of step: Int) -> Range<Int>? { (ranges + [rest]).first { $0.contains(step) } }
}

extension Stepper {
    /// Before a step of the reverse walk: of every segment that it reads from, all that the walk still reads is made again, each op once.
    mutating func restore(for number: Int) throws {
        guard let segments, number >= program.forwardCount else { return }
        for id in program.steps[number].inputs where recording.tensors[id] == nil {
            if let step = program.values[id].step, let segment = segments.segment(of: step) { try restore(segment, for: number) }
        }
    }

    private mutating func restore(_ segment: Range<Int>, for number: Int) throws {
        let plan = segments?.missing(in: segment, for: number, program) { recording.tensors[$0] != nil } ?? []
        let again = Set(plan)
        var readers: [Int: Int] = [:]
        for step in plan { for input in program.steps[step].inputs { readers[input, default: 0] += 1 } }
        for step in plan {
            try runAgain(step)
            // What only led to other values goes as soon as its last reader of this segment has it.
            for input in program.steps[step].inputs {
                readers[input, default: 0] -= 1
                if readers[input] == 0, again.contains(program.values[input].step ?? -1), program.lastUse[input] < number {
                    release(input)
                }
            }
        }
        for id in segments?.held(by: segment) ?? [] where program.lastUse[id] < number { release(id) }
    }

}
