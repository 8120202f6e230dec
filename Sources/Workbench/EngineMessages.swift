import Engine
import Models

/// What the screen asks of the engine thread.
package enum EngineCommand: Sendable {
    /// With the adapter in a folder beside it, unless that is empty, and with quirks.
    case open(path: String, adapter: String = "", quirks: [String] = [])
    case prompt(ids: [Int])
    case run(Goal)
    /// As `run`; at the end of the forward pass a reverse walk where `walksBack`, else a word that there is no further op.
    case onward(Goal, walksBack: Bool)
    /// A run in the reverse walk, which becomes part of the pass; the forward steps are finished first.
    case reverse(Goal)
    case stepBack
    /// On or back until this value is written next; a gradient's walk is begun for it.
    case runTo(Int, walksBack: Bool)
    case restart
    /// Into the op that wrote the value, at a cell; and out of it again.
    case stepInto(ValueRef, index: [Int])
    case stepOut
    /// Finishes the pass, chooses the likeliest token and begins its pass; and back again.
    case nextToken
    case previousToken
    case stops(breakpoints: [Breakpoint], watchpoints: [Watchpoint])
    case answer([Request], run: Int)
    case whatIf(WhatIfCommand)
    /// A published mistake on or off; nil: the other way round.
    case quirk(String, isOn: Bool? = nil)
    case precision(PrecisionCommand)
    case training(TrainingCommand)
    case adapter(AdapterCommand)
    /// How the model went on with a prompt before it was trained, and how it does now.
    case beforeAfter(Prompt, limit: Int)
    case compare(ComparisonCommand)
    /// Back from the side thread.
    case worked(CompareWork.Worked)
    case blame(BlameRequest)
    case cancel
    case quit
}

/// What the engine thread tells.
package enum EngineEvent: Sendable {
    case opened(Model)
    case snapshot(RunSnapshot)
    case answered(Request, Answer, run: Int)
    /// Why the run stands.
    case stopped(Stop)
    case failed(String)
    case busy(String)
    case edits(EditList)
    case quirks(QuirkState)
    /// What other formats changed.
    case formats(EditReport)
    case scan(ScanState)
    case training(TrainingProgress)
    /// Nil: the model that is shown has none.
    case adapter(AdapterState?)
    case beforeAfter(BeforeAfter)
    case compared(CompareState)
    case blame(BlameState)
    case kept(KeepState)
    case why(WhyReport)
}

/// The run as it was at one moment: copies share storage, so this costs little.
package struct RunSnapshot: Sendable {
    /// Counts prompts, models, tokens and steps into ops: what was answered for another number is stale.
    package let run: Int
    package let stepper: Stepper
    /// Ops that were stepped into, outermost first.
    package let inner: [Expansion]
    /// The names of the values whose ops they are.
    package let entered: [String]
    package let ids: [Int]
    /// Tokens before this pass.
    package let past: Int
    package let isRunning: Bool
    /// Of a run whose steps are computed again: those that wait have no value.
    package var renewal: Renewal?

    /// The stepper whose ops the cursor walks over: the innermost.
    package var walking: Stepper { inner.last?.stepper ?? stepper }

    package func stepper(level: Int) -> Stepper? {
        level == 0 ? stepper : inner.indices.contains(level - 1) ? inner[level - 1].stepper : nil
    }
}
