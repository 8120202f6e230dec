import Engine
import Models

/// Token after token until something ends it.
struct GenerationLoop {
    enum End: Equatable {
        case limit
        case endToken(Int)
        case context(Int)
        case interrupted
    }

    struct Result {
        var end = End.limit
        var promptCount: Int
        var count = 0
        var promptSeconds = 0.0
        var seconds = 0.0

        /// For standard error.
        var summary: String {
            let reason =
                switch end {
                case .limit: "at --max-tokens"
                case .endToken(let id): "at end token \(id)"
                case .context(let length): "at the end of the context of \(length) tokens"
                case .interrupted: "by Ctrl-C"
                }
            let rates = "prompt \(Rate.text(promptCount, promptSeconds)), then \(Rate.text(max(0, count - 1), seconds)) tokens/s"
            return "\(count) token\(count == 1 ? "" : "s") after \(promptCount); \(rates); ended \(reason)"
        }
    }

    let model: Model
    let prompt: [Int]
    let edits: EditSet
    let policy: Policy
    let sampler: Sampler
    let limit: Int
    /// Beside the model's own: the end of a turn in a conversation.
    var turnEnd: Int?

    /// `emit` gets each new token at once. End tokens are not emitted.
    func run(emit: (Int) -> Void) throws -> Result {
        var result = Result(promptCount: prompt.count)
        guard limit > 0 else { return result }
        var sampler = sampler
        var generation = try Generation(
            model: model, prompt: prompt, edits: edits, horizon: model.settings.context, policy: policy, keep: .nothing)
        generation.stepper.noteIdleRules()
        let clock = ContinuousClock()
        let start = clock.now
        guard try finish(&generation.stepper) else { return ended(.interrupted, result) }
        let first = clock.now
        result.promptSeconds = (first - start).seconds
        while true {
            guard let logits = try generation.lastLogits() else { return result }
            let token = try sampler.choose(logits)
            if model.endTokens.contains(token) || token == turnEnd { return ended(.endToken(token), result) }
            emit(token)
            result.count += 1
            result.seconds = (clock.now - first).seconds
            if result.count == limit { return result }
            if generation.ids.count >= model.settings.context { return ended(.context(model.settings.context), result) }
            try generation.append(token)
            guard try finish(&generation.stepper) else { return ended(.interrupted, result) }
        }
    }

    /// The prompt's pass may take long; false if Ctrl-C ended it.
    private func finish(_ stepper: inout Stepper) throws -> Bool {
        var progress = Progress("reading the prompt", total: stepper.program.steps.count)
        defer { progress.finish() }
        while !stepper.isFinished {
            if Interrupt.isPending { return false }
            try stepper.step()
            progress.update(stepper.cursor)
        }
        return true
    }

    private func ended(_ end: End, _ result: Result) -> Result {
        var result = result
        result.end = end
        return result
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// Tokens a second, in words.
enum Rate {
    static func text(_ tokens: Int, _ seconds: Double) -> String {
        guard tokens > 0, seconds > 0 else { return "–" }
        let rate = Double(tokens) / seconds
        return rate < 10 ? "\((rate * 10).rounded() / 10)" : "\(Int(rate.rounded()))"
    }
}
