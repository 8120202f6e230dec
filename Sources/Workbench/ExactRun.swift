import Engine

/// The run in fp64, kept while nothing but formats and kernels changes.
struct ExactRun: Sendable {
    /// The run that it is of.
    var run: Int
    let cursor: Int
    let passes: OraclePasses
}

extension EngineState {
    /// How far every value of the last pass is from fp64.
    mutating func errors(_ cancelled: () -> Bool) throws -> Answer {
        guard let stepper = passes.last?.stepper else { return .failed("nothing runs yet") }
        if exact?.run != run || exact?.cursor != stepper.cursor {
            exact = nil
            guard let made = try OraclePasses(of: passes.map(\.stepper), interrupted: cancelled) else { return .failed("called off") }
            exact = ExactRun(run: run, cursor: stepper.cursor, passes: made)
        }
        guard let errors = try exact?.passes.errors(of: stepper, interrupted: cancelled) else { return .failed("called off") }
        // What takes much memory is not kept.
        if stepper.program.weight(before: stepper.cursor).bytes > NumericsReader.keptBytes { exact = nil }
        return .numerics(.errors(errors))
    }

    /// The same passes in other formats have the same fp64.
    mutating func keepExact(from before: Int) {
        if exact?.run == before { exact?.run = run } else { exact = nil }
    }
}
