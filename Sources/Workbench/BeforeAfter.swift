import Engine
import Models
import Tokenizers

/// How two models go on with one prompt, as the screen knows it: the likeliest token each time.
package struct BeforeAfter: Sendable {
    package struct Side: Sendable, Hashable {
        package let name: String
        package var tokens: [Int] = []
        /// What the tokens say, as far as it is text.
        package var text = ""
        package var hasEnded = false
    }

    package let prompt: Prompt
    package let limit: Int
    package var before: Side
    package var after: Side
    package var isRunning = true

    /// The place of the first token that differs; nil while both say the same.
    package var firstDifference: Int? {
        let same = zip(before.tokens, after.tokens).prefix { $0 == $1 }.count
        let isOver = same == min(before.tokens.count, after.tokens.count)
        return isOver && (isRunning || before.tokens.count == after.tokens.count) ? nil : same
    }
}

/// What the engine thread keeps of the two: each goes on by a token in turn, so that they stream side by side.
struct BeforeAfterWork {
    private(set) var state: BeforeAfter
    private var before: Continuation
    private var after: Continuation

    init(_ state: BeforeAfter, before: Model, after: Model, ids: [Int], policy: Policy) throws {
        self.state = state
        self.before = try Continuation(before, ids, state.limit, policy)
        self.after = try Continuation(after, ids, state.limit, policy)
    }

    /// One op. True if something is new.
    mutating func step() throws -> Bool {
        let isBefore = !state.before.hasEnded && (state.after.hasEnded || state.before.tokens.count <= state.after.tokens.count)
        let isNew = try isBefore ? before.step(&state.before) : after.step(&state.after)
        state.isRunning = !(state.before.hasEnded && state.after.hasEnded)
        return isNew
    }

    mutating func stop() { state.isRunning = false }
}

/// A text that goes on op by op.
private struct Continuation {
    private var generation: Generation
    private var decoder: StreamingDecoder?
    private let limit: Int

    init(_ model: Model, _ ids: [Int], _ limit: Int, _ policy: Policy) throws {
        generation = try Generation(model: model, prompt: ids, policy: policy, keep: .nothing)
        decoder = model.tokenizer.map { StreamingDecoder($0) }
        self.limit = limit
        for id in ids { _ = decoder?.append(Int32(id)) }
    }

    /// One op; behind the last of a pass the token is taken. True if `side` has changed.
    mutating func step(_ side: inout BeforeAfter.Side) throws -> Bool {
        guard generation.stepper.isFinished else {
            try generation.stepper.step()
            return false
        }
        guard let logits = try generation.lastLogits() else { return end(&side) }
        var sampler = Sampler.greedy
        let token = try sampler.choose(logits)
        if generation.model.endTokens.contains(token) { return end(&side) }
        side.tokens.append(token)
        side.text += decoder?.append(Int32(token)) ?? "\(token) "
        if side.tokens.count == limit || generation.ids.count >= generation.model.settings.context { return end(&side) }
        try generation.append(token)
        return true
    }

    private mutating func end(_ side: inout BeforeAfter.Side) -> Bool {
        side.text += decoder?.finish() ?? ""
        side.hasEnded = true
        return true
    }
}

extension EngineState {
    mutating func beginBeforeAfter(_ prompt: Prompt, limit: Int) throws {
        let (old, new) = try sides()
        let ids: [Int]
        switch prompt {
        case .ids(let given): ids = given
        case .text(let text):
            guard let tokenizer = new.model.tokenizer else {
                throw PromptError(rule: new.model.tokenizerProblem ?? "there is no tokenizer")
            }
            ids = tokenizer.encode(text).map { Int($0) }
        }
        try new.model.check(ids)
        let state = BeforeAfter(prompt: prompt, limit: limit, before: .init(name: old.name), after: .init(name: new.name))
        beforeAfter = try BeforeAfterWork(state, before: old.model, after: new.model, ids: ids, policy: policy)
        emit(.beforeAfter(state))
    }

    /// The model that the run began with and as it is now; or without its adapter and with it.
    private func sides() throws -> (old: (model: Model, name: String), new: (model: Model, name: String)) {
        let mode = adapter.mode.place == .unloaded ? AdapterMode() : adapter.mode
        if let run = training?.run {
            let old = try AdapterMode().applied(to: run.job.model, threads: policy.threads)
            let step = run.trainer.state.step
            let changed = mode == AdapterMode() ? "" : ", adapter \(mode.words)"
            return (
                (old, "before the run"), (try mode.applied(to: run.trainer.model, threads: policy.threads), "after step \(step)\(changed)")
            )
        }
        guard let model else { throw PromptError(rule: "no model is open; use :open PATH") }
        guard model.adapter != nil else {
            throw PromptError(rule: "there is nothing to compare: open an adapter (:adapter load FOLDER), or begin a :finetune")
        }
        let base = try AdapterMode(place: .unloaded).applied(to: model, threads: policy.threads)
        return ((base, "base"), (try mode.applied(to: model, threads: policy.threads), "adapter \(mode.words)"))
    }

    /// Goes on with both texts until `interrupted`.
    mutating func advanceBeforeAfter(interrupted: () -> Bool) {
        guard var work = beforeAfter else { return }
        beforeAfter = nil
        do {
            while work.state.isRunning, !interrupted() { if try work.step() { emit(.beforeAfter(work.state)) } }
        } catch {
            work.stop()
            emit(.beforeAfter(work.state))
            return emit(.failed("\(error)"))
        }
        if work.state.isRunning { beforeAfter = work }
    }

    /// What has been written stays on the screen.
    mutating func stopBeforeAfter() {
        guard var work = beforeAfter else { return }
        beforeAfter = nil
        work.stop()
        emit(.beforeAfter(work.state))
    }
}
