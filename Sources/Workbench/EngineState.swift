import Engine
import Models
import Tensors

/// What the engine thread owns: the model and its passes. Driven by commands and by `advance`; the same code runs on the thread and, in
/// scripts and tests, in line.
package struct EngineState {
    var model: Model?
    /// The prompt as it was given; quirks of the tokens read it otherwise.
    private(set) var promptIDs: [Int] = []
    var passes: [Generation] = []
    var inner: [Expansion] = []
    /// The names of the values whose ops were stepped into.
    var entered: [String] = []
    var journey: Journey?
    /// Where the run goes when it has reached the loss.
    private var afterLoss: Goal?
    private(set) var stops = Stops()
    /// A finetune, and the walk into one of its batches.
    var training: TrainingWork?
    var run = 0
    /// Edits, runs to copy from, and a scan on its way.
    var whatIf = WhatIf()
    var adapter = AdapterWork()
    /// Runs that are held against each other.
    var compare = CompareWork()
    var exact: ExactRun?
    /// Two texts that are being written side by side.
    var beforeAfter: BeforeAfterWork?
    /// Ops that are being measured one by one.
    var blaming: BlameWork?
    /// How fast the machine can be, measured when first asked for.
    private var limits: MachineLimits?
    /// With the rules that were added while the model was open.
    var policy: Policy
    let budget: Int
    /// Nil in scripts and tests, where everything is done in line.
    private(set) var sideThread: SideThread?
    /// Sent when something happens.
    let emit: (EngineEvent) -> Void

    package init(policy: Policy, budget: Int, sideThread: SideThread? = nil, emit: @escaping (EngineEvent) -> Void) {
        (self.policy, self.budget, self.sideThread, self.emit) = (policy, budget, sideThread, emit)
    }

    package var isRunning: Bool {
        journey != nil || whatIf.scanner != nil || beforeAfter != nil || compare.isRunning && !compare.isAway || blaming != nil
            || training?.isRunning == true
    }

    /// Does what was asked; faults are told, never thrown.
    package mutating func handle(_ command: EngineCommand, cancelled: () -> Bool = { false }) {
        finishStep(before: command, cancelled)
        do { try perform(command, cancelled: cancelled) } catch {
            journey = nil
            emit(.failed("\(error)"))
            publish()
        }
    }

    /// A single step that was asked for is done before anything else: five of them in the mailbox are five steps.
    private mutating func finishStep(before command: EngineCommand, _ cancelled: () -> Bool) {
        switch command {
        case .cancel, .quit, .answer, .stops, .worked: break
        default:
            if case .step? = afterLoss { advance(interrupted: cancelled) }
            if case .step? = journey?.goal { advance { false } }
        }
    }

    private mutating func perform(_ command: EngineCommand, cancelled: () -> Bool) throws {
        switch command {
        case .open(let path, let folder, let quirks): try open(path, adapter: folder, quirks)
        case .prompt(let ids): try begin(ids)
        case .run(let goal): start(goal)
        case .onward(let goal, let walksBack): try onward(goal, walksBack: walksBack)
        case .reverse(let goal): try reverse(goal)
        case .stepBack: stepBack()
        case .runTo(let id, let walksBack): try run(to: id, walksBack: walksBack)
        case .restart: try restart()
        case .stepInto(let value, let index): try stepInto(value, index)
        case .stepOut: stepOut()
        case .nextToken: try nextToken(cancelled)
        case .previousToken: try previousToken(cancelled)
        case .stops(let breakpoints, let watchpoints): (stops.breakpoints, stops.watchpoints) = (breakpoints, watchpoints)
        case .answer(let requests, let asked): for request in requests where asked == run { answer(request, cancelled) }
        case .whatIf(let command): try perform(command, cancelled: cancelled)
        case .quirk(let name, let isOn): try switchQuirk(name, isOn: isOn, cancelled)
        case .precision(let command): try perform(command, cancelled: cancelled)
        case .training(let command): try perform(command, cancelled: cancelled)
        case .adapter(let command): try perform(command, cancelled)
        case .compare(let command): try perform(command)
        case .worked(let worked): take(worked)
        case .beforeAfter(let prompt, let limit): try beginBeforeAfter(prompt, limit: limit)
        case .blame(let request): try perform(request, cancelled: cancelled)
        case .cancel, .quit: cancel()
        }
    }

    private mutating func cancel() {
        stopScan()
        stopComparing()
        if beforeAfter != nil { return stopBeforeAfter() }
        if blaming != nil { return stopBlame() }
        if journey == nil { pauseTraining() }
        guard journey != nil else { return }
        (journey, afterLoss) = (nil, nil)
        emit(.stopped(.interrupted))
        publish()
    }

    // MARK: models and prompts

    private mutating func open(_ path: String, adapter folder: String, _ quirks: [String]) throws {
        try endTraining()
        emit(.busy("opening \(path)"))
        var opened = try Model(path: path).with(quirks: quirks)
        if !folder.isEmpty { try PEFTAdapter(path: folder).attach(to: &opened) }
        (model, passes, inner, entered, journey) = (opened, [], [], [], nil)
        stops.baseline = nil
        whatIf = WhatIf()
        (adapter, beforeAfter, compare, blaming) = (AdapterWork(), nil, CompareWork(after: compare), nil)
        adapter.folder = folder
        tellEdits()
        tellQuirks(nil)
        tellComparisons()
        emit(.opened(opened))
    }

    mutating func begin(_ given: [Int]) throws {
        guard let model = try shownModel() else { throw PromptError(rule: "no model is open; use :open PATH") }
        let ids = model.quirked(given)
        try model.check(ids)
        promptIDs = given
        try carryEdits(to: ids, model)
        let pass = try Generation(model: model, prompt: ids, edits: whatIf.set, policy: policy, keep: .all(budget: budget))
        stops.baseline = passes.first?.stepper
        (passes, inner, entered, journey) = ([pass], [], [], nil)
        run += 1
        publish()
    }

    private mutating func restart() throws {
        if training?.walk != nil { return try showWalk() }
        guard !passes.isEmpty else { return }
        try begin(promptIDs)
    }

    // MARK: stepping

    mutating func start(_ goal: Goal) {
        guard let stepper = walking else { return }
        afterLoss = nil
        journey = stepper.journey(to: goal)
    }

    /// Decided here and not by what the screen shows: keys come faster than snapshots.
    private mutating func onward(_ goal: Goal, walksBack: Bool) throws {
        guard let stepper = walking, stepper.isFinished else { return start(goal) }
        guard walksBack, inner.isEmpty, !stepper.program.hasBackward else { throw PromptError(rule: CommandError.atTheEnd.text) }
        try reverse(goal)
    }

    private mutating func run(to id: Int, walksBack: Bool) throws {
        guard inner.isEmpty, let last = passes.indices.last else { return }
        if walksBack { try passes[last].differentiate() }
        let stepper = passes[last].stepper
        guard let step = stepper.program.values[safe: id]?.step else { return }
        if step < stepper.cursor { return back(to: step) }
        if walksBack { try reverse(.before(id)) } else { start(.before(id)) }
    }

    private mutating func reverse(_ goal: Goal) throws {
        guard inner.isEmpty, let last = passes.indices.last else { return start(goal) }
        try passes[last].differentiate()
        // What is told from here on may speak of the walk's values.
        publish()
        let program = passes[last].stepper.program
        guard passes[last].stepper.cursor < program.forwardCount else { return start(goal) }
        start(.before(program.steps[program.forwardCount].output))
        afterLoss = goal
    }

    private var walking: Stepper? { inner.last?.stepper ?? passes.last?.stepper }

    /// Goes on with the run that was asked for until it stops or `interrupted` says that something else waits.
    package mutating func advance(interrupted: () -> Bool) {
        if whatIf.scanner != nil { return advanceScan(interrupted: interrupted) }
        if beforeAfter != nil { return advanceBeforeAfter(interrupted: interrupted) }
        if blaming != nil { return advanceBlame(interrupted: interrupted) }
        guard let journey else {
            let compares = compare.isRunning && !compare.isAway
            return compares ? advanceComparing(interrupted: interrupted) : advanceTraining(interrupted: interrupted)
        }
        do {
            let stop = try step(journey, interrupted)
            switch stop {
            case .interrupted: break
            case .reached where afterLoss != nil: if let goal = afterLoss { start(goal) }
            default:
                (self.journey, afterLoss) = (nil, nil)
                emit(.stopped(stop))
            }
        } catch {
            self.journey = nil
            emit(.failed("\(error)"))
        }
        publish()
    }

    private mutating func step(_ journey: Journey, _ interrupted: () -> Bool) throws -> Stop {
        if inner.isEmpty { return try passes[passes.count - 1].stepper.advance(journey, stops: stops, interrupted: interrupted) }
        return try inner[inner.count - 1].stepper.advance(journey, interrupted: interrupted)
    }

    func publish() {
        guard let pass = passes.last else { return }
        emit(
            .snapshot(
                RunSnapshot(
                    run: run, stepper: pass.stepper, inner: inner, entered: entered, ids: pass.ids, past: pass.past,
                    isRunning: journey != nil)))
    }

    // MARK: questions

    private mutating func answer(_ request: Request, _ cancelled: () -> Bool) {
        let answer: Answer
        do {
            if case .kernel = request, limits == nil { limits = try MachineLimits(threads: policy.threads) }
            if case .numerics(.errors(level: 0, _)) = request { return emit(.answered(request, try errors(cancelled), run: run)) }
            let trainer = training?.run.trainer
            answer = try Answerer(
                passes: passes, inner: inner, trainer: trainer, adapted: adapter.source, compare: compare, threads: policy.threads,
                limits: limits
            ).answer(request, cancelled)
        } catch {
            answer = .failed("\(error)")
        }
        emit(.answered(request, answer, run: run))
    }
}
