import Engine
import Models
import Screen
import StrictJSON
import Tensors
import Workbench

/// How long the workbench takes to show other numbers when a format is switched at the first layer, so that every value but the embedding
/// follows, or at all values.
struct SwitchBench {
    struct Result {
        let name: String
        /// Milliseconds until the first other number can be drawn, and until all can.
        let first: Double
        let last: Double
    }

    let path: String
    let policy: Policy
    let ids: [Int]

    /// The slowest of three switches to each format and back.
    func measure() throws -> [Result] {
        let clock = SwitchClock()
        var state = EngineState(policy: policy, budget: 1 << 32) { clock.take($0) }
        state.handle(.open(path: path))
        state.handle(.prompt(ids: ids))
        state.handle(.run(.end))
        while state.isRunning { state.advance { false } }
        guard let name = clock.firstLayerValue else { throw Failure("\(path) has no layers") }
        let results = try SwitchBench.switches(at: name).map { label, rules in
            let times = try (0..<3).flatMap { _ in
                try Interrupt.check()
                return [rules, []].map { rules in clock.time { state.handle(.precision(.replace(rules))) } }
            }
            return Result(name: label, first: times.map(\.first).max() ?? 0, last: times.map(\.last).max() ?? 0)
        }
        if let failure = clock.failure { throw Failure(failure) }
        return results
    }

    /// One value in another format, and presets for all.
    private static func switches(at name: String) -> [(String, [Policy.Rule])] {
        [NumberFormat.bf16, .fp16, .fp8e4m3, .mxfp4].map { ("\($0.name) at one value", [Policy.Rule(.value(name), format: $0)]) }
            + [Policy.Preset.bf16, .fp16, .mixed, .fp64].map { ("\($0.rawValue) everywhere", $0.rules) }
    }

    /// A table, or one JSON object.
    func report(_ results: [Result], json: Bool) -> String {
        if json {
            let items = results.map { result in
                JSONValue.object([
                    ("switch", .string(result.name)), ("first_ms", .real(result.first)), ("all_ms", .real(result.last)),
                ])
            }
            return JSONValue.object([
                ("model", .string(path)), ("work", .string("switch")), ("tokens", .integer(ids.count)), ("switches", .array(items)),
            ]).line
        }
        var table = TextTable(header: ["switch", "tokens", "first ms", "all ms"], rightAligned: [1, 2, 3])
        for result in results {
            table.add([result.name, "\(ids.count)", Numbers.fixed(result.first, decimals: 1), Numbers.fixed(result.last, decimals: 1)])
        }
        return table.text
    }
}

/// Reads what the engine tells with the time at which it did.
private final class SwitchClock {
    private let clock = ContinuousClock()
    private var start = ContinuousClock.now
    private var first: Double?
    private var last = 0.0
    private var snapshot: RunSnapshot?
    private(set) var failure: String?

    /// The first value of the first layer.
    var firstLayerValue: String? {
        guard let program = snapshot?.stepper.program else { return nil }
        return program.steps.lazy.map { program.values[$0.output] }.first { $0.layer == 0 }?.name
    }

    func take(_ event: EngineEvent) {
        switch event {
        case .snapshot(let new):
            snapshot = new
            last = (clock.now - start).seconds * 1e3
            if first == nil { first = last }
        case .failed(let why): failure = why
        default: break
        }
    }

    func time(_ body: () -> Void) -> (first: Double, last: Double) {
        (start, first) = (clock.now, nil)
        body()
        return (first ?? last, last)
    }
}
