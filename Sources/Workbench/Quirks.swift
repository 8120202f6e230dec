import Engine
import Models

/// Which published mistakes are switched on, and what the last switch did.
package struct QuirkState: Sendable {
    /// By name, in the catalogue's order.
    package var on: [String] = []
    /// Against the run before; nil where the run began anew.
    package var report: EditReport?

    package init() {}
}

extension EngineState {
    /// The run with exactly these quirks on: what follows from a difference is computed again, the rest is kept. Other tokens begin anew.
    mutating func switchQuirks(to names: [String], _ cancelled: () -> Bool) throws {
        guard training == nil, let model else { throw QuirkError(rule: "quirks are of an open model; :open one, or leave the finetune") }
        let other = try model.with(quirks: names)
        let tokens = [model, other].map { $0.quirks.filter(\.changesTokens).map(\.name) }
        guard !passes.isEmpty, tokens[0] == tokens[1] else { return try beginAnew(other) }
        emit(.busy("computing again what follows; C-c stops"))
        let shown = try adapter.mode.applied(to: other, threads: policy.threads)
        guard let (new, steps) = try Generation.carried(passes, to: shown, interrupted: cancelled) else {
            throw QuirkError(rule: "stopped; nothing was changed")
        }
        let report = try EditReport(before: passes.map(\.stepper), after: new.map(\.stepper), steps: steps, watched: [])
        (self.model, passes, inner, entered) = (other, new, [], [])
        adapterKeeps(other)
        run += 1
        tellQuirks(report)
        publish()
    }

    /// The prompt as the other model reads it, to the end.
    private mutating func beginAnew(_ other: Model) throws {
        model = other
        adapterKeeps(other)
        tellQuirks(nil)
        guard !passes.isEmpty else { return }
        try begin(promptIDs)
        start(.end)
    }

    func tellQuirks(_ report: EditReport?) {
        var state = QuirkState()
        (state.on, state.report) = (model?.quirks.map(\.name) ?? [], report)
        emit(.quirks(state))
    }
}
