import Engine
import Models
import Tensors

/// Measures one kind of work on one model.
struct Bench {
    let model: Model
    let policy: Policy
    let tokens: Int

    struct Result {
        let work: BenchCommand.Work
        let tokens: Int
        let seconds: Double
        /// Floating-point operations of a run, masked scores counted like others.
        let operations: Int
        let peakBytes: Int
        /// Of the weights that one token reads, where tokens come one at a time.
        let weightBytes: Int?

        var tokensPerSecond: Double { Double(tokens) / seconds }
        var gigaflops: Double { Double(operations) / seconds * 1e-9 }
    }

    func measure(_ work: BenchCommand.Work) throws -> Result {
        PeakMemory.reset()
        switch work {
        case .forward: return try pass(work, keep: .nothing)
        case .kept: return try pass(work, keep: .all(budget: .max))
        case .decode: return try decode()
        case .lora: return try lora()
        case .live: throw Failure("switches are measured in milliseconds, by SwitchBench")
        case .backward: return try pass(work, keep: Checkpointing.light.keep, leaves: { $0.role == .weight })
        }
    }

    private func pass(
        _ work: BenchCommand.Work, keep: Recording.Keep, leaves: ((Value) -> Bool)? = nil
    ) throws -> Result {
        let ids = Bench.ids(tokens, below: model.settings.vocabulary)
        var operations = 0
        let seconds = try Bench.best("measuring \(work.rawValue)", atLeast: 3) {
            let start = ContinuousClock.now
            var stepper = try model.stepper(ids: ids, loss: leaves != nil, leaves: leaves, policy: policy, keep: keep)
            try Bench.finish(&stepper)
            operations = Bench.operations(stepper.program)
            return (ContinuousClock.now - start).seconds
        }
        return Result(work: work, tokens: tokens, seconds: seconds, operations: operations, peakBytes: PeakMemory.bytes, weightBytes: nil)
    }

    /// 64 tokens behind 64, or as many as the context holds.
    private func decode() throws -> Result {
        let prompt = max(1, min(64, model.settings.context / 2))
        let count = min(64, model.settings.context - prompt)
        guard count > 0 else { throw Failure("the context of \(model.settings.context) token has no room for decoding") }
        let ids = Bench.ids(prompt, below: model.settings.vocabulary)
        var operations = 0
        let seconds = try Bench.best("measuring decode", atLeast: 2) {
            var generation = try Generation(model: model, prompt: ids, policy: policy, keep: .nothing)
            try Bench.finish(&generation.stepper)
            let start = ContinuousClock.now
            for _ in 0..<count {
                try generation.append(Bench.likeliest(generation.lastLogits() ?? []))
                try Bench.finish(&generation.stepper)
            }
            let seconds = (ContinuousClock.now - start).seconds
            operations = count * Bench.operations(generation.stepper.program)
            return seconds
        }
        return Result(
            work: .decode, tokens: count, seconds: seconds, operations: operations, peakBytes: PeakMemory.bytes,
            weightBytes: model.checkpoint.byteCount)
    }

    private func lora() throws -> Result {
        var bench = try TrainingBench(model: model, ids: Bench.ids(tokens, below: model.settings.vocabulary), policy: policy)
        let seconds = try Bench.best("measuring lora", atLeast: 3) { try bench.step() }
        return Result(
            work: .lora, tokens: tokens, seconds: seconds, operations: try bench.passOperations(), peakBytes: PeakMemory.bytes,
            weightBytes: nil)
    }

    // MARK: parts

    /// Seconds of the fastest run after one that does not count; short runs are repeated for a second.
    private static func best(_ label: String, atLeast repetitions: Int, _ once: () throws -> Double) throws -> Double {
        _ = try once()
        var (fastest, total, count) = (Double.infinity, 0.0, 0)
        var progress = Progress(label, total: repetitions)
        defer { progress.finish() }
        while count < repetitions || (total < 1 && count < 100) {
            progress.update(min(count, repetitions))
            let seconds = try once()
            fastest = min(fastest, seconds)
            total += seconds
            count += 1
        }
        return fastest
    }

    private static func finish(_ stepper: inout Stepper) throws {
        while !stepper.isFinished {
            try Interrupt.check()
            try stepper.step()
        }
    }

    private static func likeliest(_ logits: [Float]) -> Int {
        var best = 0
        for (id, logit) in logits.enumerated() where logit > logits[best] { best = id }
        return best
    }

    private static func operations(_ program: Program) -> Int {
        program.steps.reduce(0) { sum, step in
            sum + step.op.cost(step.inputs.map { program.values[$0].shape }, output: program.values[step.output].shape)
        }
    }

    /// The same arbitrary tokens every time.
    static func ids(_ count: Int, below vocabulary: Int) -> [Int] {
        var state: UInt64 = 1
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % vocabulary
        }
    }
}
