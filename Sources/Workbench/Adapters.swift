import Engine
import Models

/// What the screen asks about the adapter of the model that is shown.
package enum AdapterCommand: Sendable {
    /// Puts the adapter in this folder beside the open model's matrices.
    case load(folder: String)
    case mode(AdapterMode)
    /// Back to what was before the last change.
    case undo
}

/// The adapter as the screen knows it.
package struct AdapterState: Sendable {
    /// Its folder, or the run that trains it.
    package let name: String
    /// The folder as it was given; empty for one that is being trained.
    package let folder: String
    package let mode: AdapterMode
    package let modules: Int
    package let rank: Int
    package let alpha: Double
    package let changes: Int
    /// Whether the run on the screen was computed with it; a finetune that has begun is shown by the next prompt or change.
    package let isShown: Bool
    /// What the last change did to the run; nil after another prompt.
    package let report: EditReport?
}

/// What the engine thread keeps of it between commands.
struct AdapterWork {
    /// What a change goes back to: the open model with the adapter it had, and the mode.
    struct Past {
        let model: Model?
        let folder: String
        let mode: AdapterMode
    }

    var mode = AdapterMode()
    var folder = ""
    var past: [Past] = []
    /// The model of the passes with its adapter as it was trained, whatever the mode.
    var source: Model?
    var report: EditReport?
    var isShown = false
}

extension EngineState {
    mutating func perform(_ command: AdapterCommand, _ cancelled: () -> Bool) throws {
        guard training?.walk == nil else { throw PromptError(rule: "a batch is walked through; X leaves it") }
        // Of a finetune the weights as they are now.
        if let trained = training?.model { adapter.source = trained }
        switch command {
        case .load(let folder):
            guard training == nil else { throw PromptError(rule: "a finetune is open, and its own adapter is shown") }
            guard var changed = model else { throw PromptError(rule: "no model is open; use :open PATH") }
            changed = try AdapterMode(place: .unloaded).applied(to: changed, threads: policy.threads)
            try PEFTAdapter(path: folder).attach(to: &changed)
            try show(AdapterWork.Past(model: changed, folder: folder, mode: AdapterMode()), cancelled)
        case .mode(let mode):
            guard adapter.source?.adapter != nil else { throw PromptError(rule: "the model has no adapter; :adapter load FOLDER") }
            guard mode != adapter.mode || training != nil else { return tellAdapter() }
            try show(AdapterWork.Past(model: model, folder: adapter.folder, mode: mode), cancelled)
        case .undo:
            guard let last = adapter.past.last else { throw PromptError(rule: "nothing was changed about the adapter") }
            try show(last, remembers: false, cancelled)
        }
    }

    /// The passes under another adapter, or another mode of it; what is downstream is computed again before anything else happens.
    private mutating func show(_ wanted: AdapterWork.Past, remembers: Bool = true, _ cancelled: () -> Bool) throws {
        let source = training == nil ? wanted.model : adapter.source
        if let source { try carry(to: wanted.mode.applied(to: source, threads: policy.threads), cancelled) }
        if !remembers {
            _ = adapter.past.popLast()
        } else if wanted.mode != adapter.mode || training == nil {
            adapter.past.append(AdapterWork.Past(model: model, folder: adapter.folder, mode: adapter.mode))
        }
        (adapter.mode, adapter.folder, adapter.source) = (wanted.mode, wanted.folder, source)
        if training == nil { model = wanted.model }
        tellAdapter()
        publish()
    }

    private mutating func carry(to shown: Model, _ cancelled: () -> Bool) throws {
        guard !passes.isEmpty else { return }
        var growing = growing()
        guard let (new, steps) = try Generation.carried(passes, to: shown, interrupted: cancelled, progress: { growing.show($0) }) else {
            throw PromptError(rule: "stopped; nothing was changed")
        }
        adapter.report = try EditReport(before: passes.map(\.stepper), after: new.map(\.stepper), steps: steps, watched: [])
        (passes, inner, entered, journey, adapter.isShown) = (new, [], [], nil, true)
        run += 1
    }

    /// The open model has other quirks: its adapter stays in its mode, and what was changed before cannot be undone.
    mutating func adapterKeeps(_ other: Model) {
        (adapter.source, adapter.past, adapter.report) = (other, [], nil)
        tellAdapter()
    }

    /// A finetune has begun, or has ended: what is on the screen was computed before, and what was changed before cannot be undone.
    mutating func adapterHasChanged() {
        (adapter.mode, adapter.past) = (AdapterMode(), [])
        (adapter.source, adapter.report, adapter.isShown) = (training?.model ?? model, nil, passes.isEmpty)
        tellAdapter()
    }

    /// The model that a prompt is run on: the one being trained, or the open one, with its adapter in the chosen mode.
    mutating func shownModel() throws -> Model? {
        adapter.source = training?.model ?? model
        (adapter.report, adapter.isShown) = (nil, true)
        defer { tellAdapter() }
        return try adapter.source.map { try adapter.mode.applied(to: $0, threads: policy.threads) }
    }

    func tellAdapter() { emit(.adapter(adapterState)) }

    private var adapterState: AdapterState? {
        guard let lowRank = adapter.source?.adapter else { return nil }
        let path = training?.run.folder.path ?? adapter.folder
        return AdapterState(
            name: path.split(separator: "/").last.map(String.init) ?? path, folder: training == nil ? adapter.folder : "",
            mode: adapter.mode, modules: lowRank.ranks.count, rank: lowRank.ranks.values.max() ?? 0, alpha: lowRank.alpha,
            changes: adapter.past.count, isShown: adapter.isShown, report: adapter.report)
    }
}
