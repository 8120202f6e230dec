import Engine
import Models

/// Which published mistakes are switched on, and what the last switch did.
package struct QuirkState: Sendable {
    /// By name, in the catalogue's order.
    package var on: [String] = []
    /// Those of the open model.
    package var listed: [Quirk] = []
    /// Against the run before; nil where the run began anew.
    package var report: EditReport?

    package init() {}
}

extension EngineState {
    mutating func switchQuirk(_ name: String, isOn: Bool?, _ cancelled: () -> Bool) throws {
        let on = model?.quirks.map(\.name) ?? []
        let others = on.filter { $0 != name }
        try switchQuirks(to: isOn ?? !on.contains(name) ? others + [name] : others, cancelled)
    }

    /// The run with exactly these quirks on: what follows from a difference is computed again, the rest is kept. Other tokens and other
    /// shapes begin anew.
    private mutating func switchQuirks(to names: [String], _ cancelled: () -> Bool) throws {
        guard training == nil, let model else { throw QuirkError(rule: "quirks are of an open model; :open one, or leave the finetune") }
        let other = try model.with(quirks: names)
        let anew = [model, other].map { $0.quirks.filter(\.beginsAnew).map(\.name) }
        guard !passes.isEmpty, anew[0] == anew[1] else { return try beginAnew(other) }
        let shown = try adapter.mode.applied(to: other, threads: policy.threads)
        var growing = growing()
        guard let (new, steps) = try Generation.carried(passes, to: shown, interrupted: cancelled, progress: { growing.show($0) }) else {
            throw QuirkError(rule: "stopped; nothing was changed")
        }
        let report = try EditReport(before: passes.map(\.stepper), after: new.map(\.stepper), steps: steps, watched: [])
        (self.model, passes, inner, entered) = (other, new, [], [])
        adapterKeeps(other)
        run += 1
        tellQuirks(report)
        publish()
    }

    /// The prompt as the other model reads it, to the end. One that cannot be run is not taken.
    private mutating func beginAnew(_ other: Model) throws {
        let before = model
        model = other
        do { if !passes.isEmpty { try begin(promptIDs) } } catch {
            model = before
            throw error
        }
        adapterKeeps(other)
        tellQuirks(nil)
        if !passes.isEmpty { start(.end) }
    }

    func tellQuirks(_ report: EditReport?) {
        var state = QuirkState()
        (state.on, state.listed, state.report) = (model?.quirks.map(\.name) ?? [], model?.applicableQuirks ?? [], report)
        emit(.quirks(state))
    }
}
