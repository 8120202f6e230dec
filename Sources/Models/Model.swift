import Checkpoints
import Engine
import Foundation
import Tensors
import Tokenizers

/// A checkpoint with everything needed to run it: its architecture, its settings, where each weight lies, its tokenizer.
package struct Model: Sendable {
    package let path: String
    package let architecture: Architecture
    package internal(set) var settings: ModelSettings
    /// As config.json has them; a quirk may have changed those of a run.
    let ownSettings: ModelSettings
    package let checkpoint: Checkpoint
    /// Nil if the folder has none that can be read; then prompts are ids.
    package let tokenizer: Tokenizer?
    /// Why there is no tokenizer.
    package let tokenizerProblem: String?
    package let endTokens: [Int]
    /// What is odd but harmless.
    package let notes: [String]
    /// The weights of the program and what they are called in the file.
    package let weightNames: [String: String]
    /// Low-rank matrices beside the model's; their values are among `replacements`.
    package var adapter: LowRank?
    /// Weights that stand in for the file's, by the program's name: those that are being trained, or an adapter's.
    package var replacements: [String: Tensor] = [:]
    /// What the loss of a pass is; another than the next token's brings weights of its own, which `replacements` hold.
    package var objective = Objective.next
    /// Published mistakes that are switched on, in the catalogue's order.
    package internal(set) var quirks: [Quirk] = []
    /// What those that are on make of a text, in order.
    package internal(set) var readings: [TokenReading] = []
    /// Weights that a quirk looks for and the file does not have.
    var initialised: [String: Tensor] = [:]

    /// Reads tables and settings only; weights stay where they are until a pass touches them.
    package init(path: String) throws(CheckpointError) {
        let folder = try ModelFolder(path: path)
        let config = try folder.config()
        let reading = try ConfigReading(config)
        checkpoint = try folder.weights()
        self.path = path
        architecture = reading.architecture
        settings = reading.settings
        ownSettings = reading.settings
        endTokens = try Model.endTokens(config, folder: folder)
        (tokenizer, tokenizerProblem) = Model.tokenizer(in: folder)
        let match = try WeightMatch(reading, checkpoint)
        weightNames = match.names
        notes = reading.notes + checkpoint.notes + match.notes
    }

    /// The program of one pass, with the next-token loss where there is a next token; with `leaves` also the reverse walk to these.
    package func program(_ pass: Pass, leaves: ((Value) -> Bool)? = nil) throws(ProgramError) -> Program {
        var graph = Model.graph(architecture, settings, pass, adapter: adapter, objective: objective, quirks: quirks)
        if let leaves, let loss = graph.node(named: "loss") { graph.differentiate(loss, leaves: leaves) }
        return try Program(graph)
    }

    static func graph(
        _ architecture: Architecture, _ settings: ModelSettings, _ pass: Pass, adapter: LowRank? = nil, objective: Objective = .next,
        quirks: [Quirk] = []
    ) -> Graph {
        var graph = Graph(adapter: adapter)
        let logits = architecture.body(&graph, settings, pass)
        for quirk in quirks { quirk.rewrite(&graph, settings) }
        guard pass.hasLoss else { return graph }
        let head = pass.fusedLoss || objective == .reward ? graph.withdrawHead(logits, withCap: objective == .reward) : nil
        let targets = graph.input("targets", Shape((.token, pass.tokens)))
        if case .future(let heads) = objective {
            graph.futureLosses(
                logits, targets, heads: heads, pass.share ? [graph.input(Pass.batchTokens, Shape((.item, 1)))] : [])
            return graph
        }
        let losses = objective == .reward ? graph.reward(logits, head?.x) : graph.nextTokenLoss(logits, targets, head)
        let count = pass.share ? [graph.input(Pass.batchTokens, Shape((.item, 1)))] : []
        graph.apply(Mean(isShare: pass.share), [losses, targets] + count, as: "loss")
        return graph
    }

    /// A stepper at the start of a pass over `ids`; `cache` gives earlier keys and values by the cache value's name, `leaves` the weights
    /// to which the loss is walked back, `edits` what is changed by hand; they may speak of tokens up to `horizon`.
    package func stepper(
        ids: [Int], past: Int = 0, caches: Bool = false, loss: Bool = true, cache: [String: Tensor] = [:],
        leaves: ((Value) -> Bool)? = nil, edits: EditSet = EditSet(), horizon: Int? = nil, policy: Policy, keep: Recording.Keep
    ) throws -> Stepper {
        try check(ids, past: past)
        let program = try program(Pass(tokens: ids.count, past: past, caches: caches, loss: loss), leaves: leaves)
        var stepper = try Stepper(program, policy: policy, keep: keep, bindings: bindings(program, ids: ids, past: past, cache: cache))
        stepper.lie(in: TextWindow(first: past, end: past + ids.count, horizon: horizon))
        return try edits.edits.isEmpty ? stepper : stepper.rerun(edits)?.stepper ?? stepper
    }

    /// A stepper at the start of a program of this model's that was made for as many tokens.
    package func stepper(_ program: Program, ids: [Int], policy: Policy, keep: Recording.Keep) throws -> Stepper {
        try check(ids)
        return try Stepper(program, policy: policy, keep: keep, bindings: bindings(program, ids: ids, past: 0, cache: [:]))
    }

    /// Tokens are in the vocabulary and fit the context.
    package func check(_ ids: [Int], past: Int = 0) throws(PromptError) {
        if ids.isEmpty { throw PromptError(rule: "the prompt has no tokens; give at least one") }
        if let bad = ids.first(where: { $0 < 0 || $0 >= settings.vocabulary }) {
            throw PromptError(rule: "token id \(bad) is outside the vocabulary of \(settings.vocabulary) (0…\(settings.vocabulary - 1))")
        }
        if past + ids.count > settings.context {
            throw PromptError(
                rule: "\(past + ids.count) tokens are more than the model's context of \(settings.context); shorten the prompt")
        }
    }

    /// What a program reads: weights, `cache` by the cache value's name, ids and what follows from them, unless `inputs` gives it.
    package func bindings(
        _ program: Program, ids: [Int], past: Int = 0, cache: [String: Tensor] = [:], inputs: [String: Tensor] = [:]
    ) throws -> [Int: Tensor] {
        var bindings: [Int: Tensor] = [:]
        for id in program.leaves {
            let value = program.values[id]
            switch value.role {
            case .weight: bindings[id] = try weight(value.name, as: value.shape)
            case .cache: bindings[id] = try cache[value.name] ?? Tensor(value.shape) { _ in }
            default: bindings[id] = try inputs[value.name] ?? input(value.name, ids: ids, past: past)
            }
        }
        return bindings
    }

    /// Of these what follows from the ids.
    func inputs(_ program: Program, ids: [Int], past: Int) throws -> [Int: Tensor] {
        var bindings: [Int: Tensor] = [:]
        for id in program.inputs { bindings[id] = try input(program.values[id].name, ids: ids, past: past) }
        return bindings
    }

    /// A weight where it lies in the file, or what stands in for it.
    package func weight(_ name: String) throws(CheckpointError) -> Tensor {
        if let tensor = replacements[name] ?? initialised[name] { return tensor }
        return try checkpoint.tensor(named: weightNames[name] ?? name)
    }

    /// A weight under the program's axes. Of one that the program takes for smaller than it is, the first numbers, as a program reads them
    /// that trusts its own sizes.
    private func weight(_ name: String, as shape: Shape) throws -> Tensor {
        let tensor = try weight(name)
        if tensor.elementCount < shape.elementCount {
            throw QuirkError(rule: "\(name) has \(tensor.elementCount) numbers, and \(shape) needs \(shape.elementCount)")
        }
        return tensor.view(shape)
    }

    /// What tokens are told of their positions: their places in the text, unless a quirk is on. They stay inside the context.
    func positions(_ count: Int, past: Int) -> [Int32] {
        (past..<past + count).map { Int32(position($0, past: past)) }
    }

    func position(_ place: Int, past: Int) -> Int {
        let position = quirks.reduce(place) { $1.position($0, past: past) }
        return min(max(position, 0), max(settings.context - 1, place))
    }

    private func input(_ name: String, ids: [Int], past: Int) throws -> Tensor {
        switch name {
        case "input_ids": try Tensor(ids: ids.map(Int32.init))
        case "position_ids": try Tensor(ids: positions(ids.count, past: past))
        // What training gives; without it every draw is the same, and the text is alone and the whole batch.
        case LowRank.key: try Tensor(ids: [0, 0, 0, 0], axis: .item)
        case Pass.firstKeys: try Tensor(ids: ids.map { _ in 0 })
        case Pass.batchTokens: try Tensor(ids: [Int32(max(1, ids.count - 1))], axis: .item)
        default: try targets(ids, Objective.distance(ofTargets: name))
        }
    }

    /// The token that really comes next, or further on; the last have none and do not count.
    private func targets(_ ids: [Int], _ distance: Int) throws -> Tensor {
        try Tensor(ids: ids.dropFirst(distance).map(Int32.init) + [Int32](repeating: -100, count: min(distance, ids.count)))
    }

    private static func tokenizer(in folder: ModelFolder) -> (Tokenizer?, String?) {
        do {
            switch try folder.tokenizer() {
            case .json: return (try Tokenizer.load(folder.path), nil)
            case .other(let name): return (nil, "\(folder.path) has only \(name); prompts need tokenizer.json, or --ids")
            case .none: return (nil, "\(folder.path) has no tokenizer.json; prompts need one, or --ids")
            }
        } catch { return (nil, "\(error)") }
    }

    /// From generation_config.json if it says so, else from config.json.
    private static func endTokens(_ config: ConfigFile, folder: ModelFolder) throws(CheckpointError) -> [Int] {
        let value = try folder.generationConfig()?.object["eos_token_id"] ?? config.object["eos_token_id"]
        return value?.integer.map { [$0] } ?? value?.array?.compactMap(\.integer) ?? []
    }
}

/// A prompt that this model cannot take.
package struct PromptError: Error, CustomStringConvertible, Sendable {
    package let rule: String
    package init(rule: String) { self.rule = rule }
    package var description: String { rule }
}
