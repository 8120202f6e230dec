import Engine
import Models

/// What the screen asks about edits.
package enum WhatIfCommand: Sendable {
    case add(Edit)
    /// The edit at this place of the list.
    case remove(Int)
    case removeAll
    /// Runs a prompt aside, to copy from.
    case run(EditFile.Run)
    /// Copies part by part of a run into the present one.
    case scan(PatchScan.What, from: String, PatchScan.Question?)
}

/// The edits of the run with what they did, as the screen knows them.
package struct EditList: Sendable {
    package struct Item: Sendable {
        package let edit: Edit
        /// Against the run just before the edit was made.
        package let report: EditReport
        /// Tokens of the text when it was made.
        package let tokens: Int
    }

    package var items: [Item] = []
    /// Runs aside, by name.
    package var runs: [EditFile.Run] = []
    /// The last change of the list, for the hint line; nil when the list was only carried over.
    package var last: EditReport?
    /// The report of the first edit: its "before" is the run without any; nil after another prompt.
    package var unedited: EditReport?

    package init() {}
}

/// A scan as far as it is.
package struct ScanState: Sendable {
    package let scan: PatchScan
    package let from: String
    package let isRunning: Bool
}

/// What the engine thread keeps of edits between commands.
struct WhatIf {
    var list = EditList()
    var runs: [String: EditRun] = [:]
    var scanner: PatchScanner?
    var scannedRun = ""

    var set: EditSet { EditSet(list.items.map(\.edit), runs: runs) }
}

extension EngineState {
    mutating func perform(_ command: WhatIfCommand, cancelled: () -> Bool) throws {
        switch command {
        case .add(let edit): try change(to: whatIf.list.items.map(\.edit) + [edit], cancelled)
        case .remove(let place):
            var edits = whatIf.list.items.map(\.edit)
            guard edits.indices.contains(place) else { throw EditError("there is no edit to undo") }
            edits.remove(at: place)
            try change(to: edits, removing: place, cancelled)
        case .removeAll: try change(to: [], cancelled)
        case .run(let run): try runAside(run)
        case .scan(let what, let from, let question): try beginScan(what, from, question)
        }
    }

    /// The passes under another list; what is downstream is computed again before anything else happens.
    private mutating func change(to edits: [Edit], removing: Int? = nil, _ cancelled: () -> Bool) throws {
        guard !passes.isEmpty else { throw EditError("nothing runs yet; :open a model") }
        let set = EditSet(edits, runs: whatIf.runs)
        var growing = growing()
        guard let (new, steps) = try Generation.rerun(passes, set, interrupted: cancelled, progress: { growing.show($0, $1) }) else {
            throw EditError("stopped; nothing was changed")
        }
        let before = passes.map(\.stepper)
        let report = try EditReport(before: before, after: new.map(\.stepper), steps: steps, watched: watchedNames)
        (passes, inner, entered) = (new, [], [])
        run += 1
        keep(edits, report, removing: removing)
        tellEdits()
        publish()
    }

    private mutating func keep(_ edits: [Edit], _ report: EditReport, removing: Int?) {
        if let removing {
            whatIf.list.items.remove(at: removing)
        } else if let edit = edits.last {
            if whatIf.list.items.isEmpty { whatIf.list.unedited = report }
            whatIf.list.items.append(EditList.Item(edit: edit, report: report, tokens: passes.last?.ids.count ?? 0))
        } else {
            whatIf.list.items = []
        }
        whatIf.list.last = report
    }

    func tellEdits() { emit(.edits(whatIf.list)) }

    /// Values that watchpoints name, at most so many.
    private var watchedNames: [String] {
        guard let program = passes.last?.stepper.program else { return [] }
        let values = program.steps.map { program.values[$0.output] }.filter { value in
            value.role != .gradient
                && stops.watchpoints.contains { point in ([value.name] + value.aliases).contains(where: point.pattern.matches) }
        }
        return values.prefix(20).map(\.name)
    }

    /// The edits that a new prompt of the same model has room for; the others are dropped and said.
    mutating func carryEdits(to ids: [Int], _ model: Model) throws {
        let kept = whatIf.list.items.filter { item in
            let set = EditSet([item.edit], runs: whatIf.runs)
            return (try? model.stepper(ids: ids, caches: true, edits: set, policy: policy, keep: .nothing)) != nil
        }
        whatIf.scanner = nil
        guard !whatIf.list.items.isEmpty else { return }
        let dropped = whatIf.list.items.count - kept.count
        whatIf.list.items = kept
        (whatIf.list.last, whatIf.list.unedited) = (nil, nil)
        tellEdits()
        guard dropped > 0 else { return }
        emit(.failed("\(dropped) \(dropped == 1 ? "edit does" : "edits do") not fit this prompt and \(dropped == 1 ? "is" : "are") gone"))
    }

    private mutating func runAside(_ run: EditFile.Run) throws {
        guard let model else { throw EditError("no model is open; use :open PATH") }
        emit(.busy("running \(run.name)"))
        whatIf.runs[run.name] = try run.prompt.run(model, policy: policy, budget: budget)
        whatIf.list.runs.removeAll { $0.name == run.name }
        whatIf.list.runs.append(run)
        whatIf.list.last = nil
        tellEdits()
        // Copies from an earlier run of this name are made again.
        if whatIf.list.items.contains(where: { $0.edit.change == .copy(from: run.name) }), !passes.isEmpty {
            let list = whatIf.list.items.map(\.edit)
            if let (new, _) = try Generation.rerun(passes, EditSet(list, runs: whatIf.runs)) { passes = new }
            self.run += 1
        }
        publish()
    }

    // MARK: scans

    private mutating func beginScan(_ what: PatchScan.What, _ from: String, _ question: PatchScan.Question?) throws {
        guard let clean = whatIf.runs[from] else { throw EditError("there is no run '\(from)'; make one with :run \(from) = \"TEXT\"") }
        guard passes.count == 1, let pass = passes.first else { throw EditError("a scan compares prompts; < goes back to the prompt") }
        whatIf.scanner = try PatchScanner(what, clean: clean.stepper, corrupted: pass.stepper, question: question)
        whatIf.scannedRun = from
        tellScan()
    }

    /// Goes on with a scan until `interrupted`.
    mutating func advanceScan(interrupted: () -> Bool) {
        do {
            while whatIf.scanner?.scan.isFinished == false, !interrupted() { try whatIf.scanner?.step() }
        } catch {
            whatIf.scanner = nil
            return emit(.failed("\(error)"))
        }
        tellScan()
        if whatIf.scanner?.scan.isFinished == true { whatIf.scanner = nil }
    }

    /// Stops a scan; what has been measured stays on the screen.
    mutating func stopScan() {
        guard let scan = whatIf.scanner?.scan else { return }
        whatIf.scanner = nil
        emit(.scan(ScanState(scan: scan, from: whatIf.scannedRun, isRunning: false)))
    }

    private func tellScan() {
        guard let scan = whatIf.scanner?.scan else { return }
        emit(.scan(ScanState(scan: scan, from: whatIf.scannedRun, isRunning: !scan.isFinished)))
    }
}
