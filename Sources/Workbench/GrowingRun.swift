import Engine
import Models

/// A run that is computed again, as the screen sees it meanwhile: its last pass, under the number that the run will have, so that what is
/// asked of it is answered when it is done.
struct GrowingRun {
    let run: Int
    let pass: Generation
    let emit: (EngineEvent) -> Void
    private var told = ContinuousClock.now

    init(run: Int, pass: Generation, emit: @escaping (EngineEvent) -> Void) { (self.run, self.pass, self.emit) = (run, pass, emit) }

    /// `renewal` is nil where the run grows from its first step on.
    mutating func show(_ stepper: Stepper, _ renewal: Renewal? = nil) {
        guard ContinuousClock.now - told > EngineState.patience else { return }
        emit(
            .snapshot(
                RunSnapshot(
                    run: run, stepper: stepper, inner: [], entered: [], ids: pass.ids, past: pass.past, isRunning: true, renewal: renewal)))
        told = .now
    }
}

extension EngineState {
    /// How long the screen waits for the next numbers.
    static let patience = Duration.milliseconds(40)

    /// Says that the passes, of which there is one at least, are computed again.
    func growing() -> GrowingRun {
        emit(.busy("computing again what follows; C-c stops"))
        return GrowingRun(run: run + 1, pass: passes[passes.count - 1], emit: emit)
    }
}
