import Engine
import Tensors

/// A text that grows token by token: each pass appends to the cache of the one before. Every pass is a stepper, so generation is stepped
/// like anything else; going back over a token is going back to the earlier pass.
package struct Generation: Sendable {
    private(set) package var model: Model
    private(set) package var policy: Policy
    package let keep: Recording.Keep
    /// Of all passes so far.
    private(set) package var ids: [Int]
    /// The pass at work: the prompt's, then one a token.
    package var stepper: Stepper
    /// Tokens before the pass at work.
    private(set) package var past = 0
    /// Edits may speak of tokens up to here; nil: of the text that is there.
    private let horizon: Int?

    package init(
        model: Model, prompt: [Int], edits: EditSet = EditSet(), horizon: Int? = nil, policy: Policy, keep: Recording.Keep
    ) throws {
        self.model = model
        self.policy = policy
        self.keep = keep
        self.horizon = horizon
        ids = prompt
        stepper = try model.stepper(
            ids: prompt, caches: true, loss: keep != .nothing, edits: edits, horizon: horizon, policy: policy, keep: keep)
    }

    /// A pass that something else has begun, such as a row of a batch in training; no token can be appended to it.
    package init(model: Model, stepper: Stepper, ids: [Int]) {
        (self.model, self.stepper, self.ids) = (model, stepper, ids)
        (policy, keep, horizon) = (stepper.policy, stepper.recording.keep, nil)
    }

    /// The program of the pass at work with the reverse walk from the loss to every weight behind it.
    package func reverseProgram() throws -> Program {
        if stepper.program.hasBackward { return stepper.program }
        guard pass.hasLoss else {
            throw PromptError(
                rule: past > 0
                    ? "the pass of one more token has no loss to walk back from; < goes back to the prompt's"
                    : "one token has no next token, so no loss to walk back from; give a prompt of at least two")
        }
        return try model.program(pass) { $0.role == .weight }
    }

    /// Puts the reverse walk behind the pass at work; its values stay as they are.
    package mutating func differentiate() throws {
        guard !stepper.program.hasBackward else { return }
        stepper = try stepper.extended(to: reverseProgram())
    }

    /// The shape of the pass at work.
    private var pass: Pass { Pass(tokens: stepper.tokenCount, past: past, caches: true, loss: keep != .nothing) }

    /// The logits after the last token; nil before the pass has reached them.
    package func lastLogits() throws -> [Float]? { try stepper.lastLogits() }

    /// Begins the pass of one more token; the pass at work must have finished.
    package mutating func append(_ token: Int) throws {
        let before = past + stepper.tokenCount
        if past > 0, keep == .nothing {
            // Nobody looks at shapes: the program of the last token serves again.
            try model.check([token], past: before)
            stepper = try stepper.again(
                model.inputs(stepper.program, ids: [token], past: before).merging(stepper.pasts()) { $1 },
                text: TextWindow(first: before, end: before + 1, horizon: horizon))
        } else {
            stepper = try model.stepper(
                ids: [token], past: before, caches: true, cache: stepper.caches(), edits: stepper.edits.list, horizon: horizon,
                policy: policy, keep: keep)
        }
        past = before
        ids.append(token)
    }
}

extension Generation {
    /// The passes of one text under other edits or another policy: each is computed again downstream of what changed in it, or in the caches before it.
    /// `progress` sees the last pass as it grows. Nil if `interrupted`.
    package static func rerun(
        _ passes: [Generation], _ edits: EditSet, policy: Policy? = nil, interrupted: () -> Bool = { false },
        progress: (Stepper, Renewal) -> Void = { _, _ in }
    ) throws -> (passes: [Generation], steps: Int)? {
        var (result, steps) = ([Generation](), 0)
        var before: Rerun?
        for var pass in passes {
            let bindings = try pass.stepper.cacheBindings(from: before)
            let isLast = result.count == passes.count - 1
            guard
                let rerun = try pass.stepper.rerun(
                    edits, policy: policy, bindings: bindings, interrupted: interrupted, progress: isLast ? progress : { _, _ in })
            else { return nil }
            steps += rerun.steps.count
            pass.stepper = rerun.stepper
            pass.policy = rerun.stepper.policy
            result.append(pass)
            before = rerun
        }
        return (result, steps)
    }
}

extension Generation {
    /// The passes of one text under another model of the same shape, such as one without its adapter or with other quirks: what does not
    /// change is kept. Both read the same tokens. `progress` sees the last pass as it grows. Nil if `interrupted`.
    package static func carried(
        _ passes: [Generation], to model: Model, interrupted: () -> Bool = { false }, progress: (Stepper) -> Void = { _ in }
    ) throws -> (passes: [Generation], steps: Int)? {
        var (result, steps) = ([Generation](), 0)
        for var pass in passes {
            let program = try model.program(pass.pass, leaves: pass.stepper.program.hasBackward ? { $0.role == .weight } : nil)
            let ids = Array(pass.ids[pass.past..<pass.past + pass.stepper.tokenCount])
            let bindings = try model.bindings(program, ids: ids, past: pass.past, cache: result.last?.stepper.caches() ?? [:])
            let isLast = result.count == passes.count - 1
            let carried = try pass.stepper.carried(
                to: program, bindings: bindings, interrupted: interrupted, progress: isLast ? progress : { _ in })
            guard let (stepper, again) = carried else { return nil }
            (pass.model, pass.stepper, steps) = (model, stepper, steps + again.count)
            result.append(pass)
        }
        return (result, steps)
    }
}

extension Stepper {
    /// What the pass of the next token reads of this one.
    fileprivate func caches() throws -> [String: Tensor] {
        var cache: [String: Tensor] = [:]
        for id in program.caches { cache[program.values[id].name + ".past"] = try tensor(id) }
        return cache
    }

    /// The same by the numbers of the inputs that a pass of this very program reads them by.
    fileprivate func pasts() throws -> [Int: Tensor] {
        var bindings: [Int: Tensor] = [:]
        for past in program.pasts { bindings[past.leaf] = try tensor(past.cache) }
        return bindings
    }

    /// The caches of the pass before, as far as they changed.
    fileprivate func cacheBindings(from before: Rerun?) throws -> [Int: Tensor] {
        var bindings: [Int: Tensor] = [:]
        for (id, value) in program.values.enumerated() where value.role == .cache && value.step == nil && value.name.hasSuffix(".past") {
            guard let before, let source = before.stepper.program.id(of: String(value.name.dropLast(5))), before.changed.contains(source)
            else { continue }
            bindings[id] = try before.stepper.tensor(source)
        }
        return bindings
    }

    /// Tokens of this pass.
    package var tokenCount: Int { program.id(of: "input_ids").map { program.values[$0].shape[0] } ?? 0 }
}
