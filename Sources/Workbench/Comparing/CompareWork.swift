import Engine
import Models
import Tensors

/// What the engine thread keeps of comparisons: the run that others are held against, and a comparer a line.
package struct CompareWork {
    struct Base {
        /// Run on as far as the lines needed.
        var run: Stepper
        let model: Model
        let ids: [Int]
        let edits: EditSet
        let title: String
        /// The number of the run that it was.
        let number: Int
        var isPinned: Bool
    }

    struct Line: Sendable {
        let number: Int
        let name: String
        let words: [String]?
        var comparer: Comparer
        /// Begins when all is measured.
        private(set) var judge: Judge?
        private(set) var verdicts = Verdicts()
        var isStopped = false

        var isMeasuring: Bool { !comparer.isFinished && !isStopped }
        var isJudging: Bool { comparer.isFinished && judge?.isFinished != true && !isStopped }
        var isRunning: Bool { isMeasuring || isJudging }

        /// Measures one more value, or judges one: B's op by A's formula on B's own inputs.
        mutating func step() throws {
            if !comparer.isFinished { return try comparer.step() }
            if judge == nil { judge = comparer.side.map { Judge($0, stepping: comparer.run, backward: comparer.run.program.hasBackward) } }
            try judge?.step(into: &verdicts)
        }

        /// Goes on value by value until `interrupted`; measuring and judging are two pieces of work.
        func worked(until interrupted: () -> Bool) -> Worked {
            var line = self
            do {
                while line.isMeasuring, !interrupted() { try line.step() }
                while !line.isMeasuring, line.isJudging, !interrupted() { try line.step() }
                return Worked(line: line, failure: nil)
            } catch { return Worked(line: line, failure: "\(error)") }
        }
    }

    /// A line as it came back.
    package struct Worked: Sendable {
        let line: Line
        /// Why it cannot go on.
        let failure: String?
    }

    var base: Base?
    var lines: [Line] = []
    var tolerance = Tolerance()
    private var count = 0
    /// Whether the side thread has the last line, or still has one that nobody waits for.
    var isAway = false

    var isRunning: Bool { lines.last?.isRunning == true }

    init() {}

    /// None, of another model. Numbers go on, so that what the side thread still has fits no new line.
    init(after earlier: CompareWork) { (count, isAway) = (earlier.count, earlier.isAway) }

    mutating func add(_ name: String, _ words: [String]?, _ side: ComparedSide) throws {
        guard let base else { return }
        let comparer = Comparer(base.run, against: side, tolerance: tolerance)
        guard comparer.total > 0 else { throw PromptError(rule: comparer.comparison.nothingShared) }
        count += 1
        lines.append(Line(number: count, name: name, words: words, comparer: comparer))
    }

    var state: CompareState {
        var state = CompareState()
        guard let base else { return state }
        (state.base, state.isPinned, state.tolerance) = (base.title, base.isPinned, tolerance)
        state.streamCount = LogitLens.streams(base.run.program).count
        state.lines = lines.map { line in
            let comparison = line.comparer.comparison.held(to: tolerance, formats: line.comparer.formats)
            return CompareState.Line(
                number: line.number, name: line.name, comparison: comparison, total: line.comparer.total, isRunning: line.isMeasuring,
                verdicts: line.verdicts, isJudging: line.isJudging, words: line.words, places: comparison.places, first: comparison.first)
        }
        return state
    }
}

extension Comparison {
    /// The row of each value by its name; of a name that comes twice the first.
    fileprivate var places: [String: Int] {
        Dictionary(rows.enumerated().map { ($1.name, $0) }) { first, _ in first }
    }

    /// The first value beyond the tolerance, else the nearest to it, or where all is the same the last layer.
    fileprivate var first: Int {
        if let firstBeyond { return firstBeyond }
        let excesses = rows.map(\.excess)
        return excesses.indices.max { excesses[$0] < excesses[$1] }.flatMap { excesses[$0] > 0 ? $0 : nil } ?? stream.last
            ?? max(rows.count - 1, 0)
    }
}

extension EngineState {
    mutating func perform(_ command: ComparisonCommand) throws {
        stopComparing()
        defer { tellComparisons() }
        switch command {
        case .against(let variant):
            try chooseBase()
            try needRoom()
            let side = try side(variant)
            try compare.add(variant.name, variant.words, side)
        case .pin(let name): try pin(name)
        case .drop(let place): try drop(place)
        case .tolerance(let nmse): compare.tolerance = Tolerance(nmse: nmse)
        }
    }

    func tellComparisons() { emit(.compared(compare.state)) }

    // MARK: the base

    /// The run on the screen as one that others are held against. Of a text that was written token by token, one pass over all of it.
    private func presentRun(isPinned: Bool) throws -> CompareWork.Base {
        guard training == nil else { throw PromptError(rule: "comparisons are of an open model; leave the finetune first") }
        guard let pass = passes.last else { throw PromptError(rule: "nothing runs yet; :open a model") }
        let edits = pass.stepper.edits.list
        let whole =
            try passes.count == 1 ? pass.stepper : pass.model.stepper(ids: pass.ids, edits: edits, policy: policy, keep: comparedKeep)
        let name = pass.model.path.split(separator: "/").last.map(String.init) ?? pass.model.path
        return CompareWork.Base(
            run: whole, model: pass.model, ids: pass.ids, edits: edits, title: "\(name) \(differences(pass, edits))", number: run,
            isPinned: isPinned)
    }

    /// What a run is beside its model: formats, quirks, edits.
    private func differences(_ pass: Generation, _ edits: EditSet) -> String {
        let quirks = pass.model.quirks.map { " \(QuirkWords.sign)\($0.name)" }.joined()
        return "\(pass.stepper.policy.title)\(quirks)\(edits.edits.isEmpty ? "" : " ✎\(edits.edits.count)")"
    }

    /// Several runs share what the values of one may take.
    private var comparedKeep: Recording.Keep { .all(budget: budget / (CompareState.most + 1)) }

    /// A base that nobody pinned is the run on the screen, whichever that is.
    private mutating func chooseBase() throws {
        if let base = compare.base, base.isPinned || base.number == run { return }
        (compare.base, compare.lines) = (try presentRun(isPinned: false), [])
    }

    private func needRoom() throws {
        guard compare.lines.count < CompareState.most else {
            throw PromptError(rule: "a plot holds \(CompareState.most) runs; :compare drop N takes one away")
        }
    }

    /// The first run that is pinned is the one that others are held against; another run of the same text is held against it.
    private mutating func pin(_ name: String?) throws {
        let present = try presentRun(isPinned: true)
        guard let base = compare.base, base.isPinned, base.ids.count == present.ids.count else {
            let isSame = compare.base?.number == run
            if isSame { compare.base?.isPinned = true } else { (compare.base, compare.lines) = (present, []) }
            return
        }
        guard base.number != run else {
            throw PromptError(
                rule: "this run is the one that others are held against; change a format, a quirk or a number, then pin again")
        }
        try needRoom()
        guard let pass = passes.last else { return }
        try compare.add(name ?? differences(pass, present.edits), nil, .run(present.run))
    }

    private mutating func drop(_ place: Int?) throws {
        guard let place else {
            (compare.base, compare.lines) = (nil, [])
            return
        }
        guard compare.lines.indices.contains(place) else {
            throw PromptError(rule: "there is no run \(place + 1); there are \(compare.lines.count)")
        }
        compare.lines.remove(at: place)
    }

    // MARK: the other side

    private func side(_ variant: CompareVariant) throws -> ComparedSide {
        guard let base = compare.base else { throw PromptError(rule: "nothing runs yet; :open a model") }
        if let path = variant.dump { return .tensors(try dump(path, base)) }
        let model = try model(variant, base)
        let ids = try variant.quirks.isEmpty || variant.model != nil ? base.ids : base.model.with(quirks: variant.quirks).quirked(base.ids)
        try model.check(ids)
        var policy = base.run.policy
        if let name = variant.policy { policy = try Policy(named: name, threads: policy.threads) }
        policy.live += variant.rules
        let stepper = try model.stepper(
            ids: ids, leaves: base.run.program.hasBackward ? { $0.role == .weight } : nil, edits: edits(variant, base, model, policy),
            policy: policy, keep: comparedKeep)
        return .run(stepper)
    }

    private func model(_ variant: CompareVariant, _ base: CompareWork.Base) throws -> Model {
        if let path = variant.model { return try Model(path: path).with(quirks: variant.quirks) }
        return try base.model.with(quirks: (variant.isWithoutQuirks ? [] : base.model.quirks.map(\.name)) + variant.quirks)
    }

    private func edits(_ variant: CompareVariant, _ base: CompareWork.Base, _ model: Model, _ policy: Policy) throws -> EditSet {
        guard let path = variant.edits else { return variant.model == nil ? base.edits : EditSet() }
        return path == "none" ? EditSet() : try EditFile(path: path).set(for: model, policy: policy)
    }

    private func dump(_ path: String, _ base: CompareWork.Base) throws -> NamedTensors {
        let dump = try TensorDump(path: path)
        if let ids = dump.ids, ids != base.ids {
            let words = ids.prefix(6).map(String.init).joined(separator: ",")
            throw PromptError(rule: "\(path) is of other tokens; :ids \(words)\(ids.count > 6 ? ",…" : "") runs them")
        }
        if let format = dump.format, base.run.policy.rules.isEmpty, base.run.policy.live.isEmpty {
            throw PromptError(
                rule: "\(path) is of a run in \(format), and this one is in fp32: :precision \(format) first, "
                    + "or :precision fp32 if a run in fp32 was rounded when it was kept")
        }
        return dump.named
    }

    // MARK: running

    /// Goes on with the line that is being measured until `interrupted`. One value of a large model may take seconds: where there is a side
    /// thread it has the line for a slice, and this one goes on to answer.
    mutating func advanceComparing(interrupted: () -> Bool) {
        guard let line = compare.lines.last else { return }
        guard let sideThread else { return take(line.worked(until: interrupted)) }
        compare.isAway = true
        sideThread.run {
            let end = ContinuousClock.now + EngineState.patience
            return .worked(line.worked { ContinuousClock.now > end })
        }
    }

    /// A line that was worked at, unless it was stopped or dropped meanwhile.
    mutating func take(_ worked: CompareWork.Worked) {
        compare.isAway = false
        let place = compare.lines.firstIndex { $0.number == worked.line.number && $0.isRunning }
        guard let place else { return }
        if let failure = worked.failure {
            compare.lines.remove(at: place)
            tellComparisons()
            return emit(.failed(failure))
        }
        if compare.lines[place].isMeasuring, !worked.line.isMeasuring { compare.base?.run = worked.line.comparer.run }
        compare.lines[place] = worked.line
        tellComparisons()
    }

    /// What has been measured stays on the screen.
    mutating func stopComparing() {
        guard compare.isRunning, let last = compare.lines.indices.last else { return }
        compare.lines[last].isStopped = true
        tellComparisons()
    }
}
