import Engine
import Models
import Tensors
import Testing

/// The reverse walk behind a pass that has run, held against the measured slope of the loss.
struct ReverseTests {
    private static func pass(_ sample: Sample) throws -> Generation {
        let model = try sample.model()
        var pass = try Generation(
            model: model, prompt: Array(try sample.promptIDs().prefix(5)), policy: Policy(threads: 1), keep: .all(budget: 1 << 30))
        _ = try pass.stepper.run(to: .end)
        return pass
    }

    @Test(arguments: Sample.allCases) func thePassStaysAsItWas(_ sample: Sample) throws {
        var pass = try Self.pass(sample)
        let forward = pass.stepper
        try pass.differentiate()
        #expect(pass.stepper.cursor == forward.program.steps.count && pass.stepper.cursor == pass.stepper.program.forwardCount)
        #expect(!pass.stepper.isFinished && pass.stepper.program.hasBackward)
        for id in forward.program.values.indices {
            #expect(pass.stepper.program.values[id].name == forward.program.values[id].name)
            #expect(pass.stepper.statistics(id)?.hash == forward.statistics(id)?.hash)
        }
        #expect(throws: BindingError.self) { try pass.stepper.extended(to: forward.program) }
    }

    /// A late weight, an early one, a value in the middle, the stream itself: fp32's gradient is the slope
    /// up to its rounding, which is that of the gradient's large elements.
    @Test func theGradientIsTheSlope() throws {
        var pass = try Self.pass(.llama)
        try pass.differentiate()
        _ = try pass.stepper.run(to: .end)
        let places: [(String, [Int])] = [
            ("model.norm.weight", [7]), ("model.layers.5.mlp.down_proj.weight", [3, 11]), ("model.layers.4.self_attn.probs", [2, 3, 1]),
            ("model.layers.0.self_attn.q_proj.weight", [17, 40]), ("model.layers.2", [3, 100]),
        ]
        for (name, index) in places {
            let id = try #require(pass.stepper.program.id(of: name))
            let gradient = try #require(try pass.stepper.program.gradient(of: id).flatMap { try pass.stepper.tensor($0) })
            let measured = try #require(try pass.stepper.centralDifference(of: id, at: index))
            let found = try #require(gradient.value(at: index))
            #expect(found != 0)
            let size = Double(try Statistics(of: gradient, threads: 1).absMax)
            #expect(abs(found - measured.slope) < 1e-4 * size, "\(name) \(index): \(found), measured \(measured.slope)")
            #expect(measured.relativeError(of: found * 1.01) > 5e-3)
        }
    }

    @Test func theMeasurementCanBeCalledOff() throws {
        let pass = try Self.pass(.llama)
        let id = try #require(pass.stepper.program.id(of: "model.norm"))
        #expect(try pass.stepper.centralDifference(of: id, at: [0, 0]) { true } == nil)
        #expect(try pass.stepper.centralDifference(of: id, at: [0, 999]) == nil)
    }

    @Test func aPassWithoutALossSaysSo() throws {
        var pass = try Generation(
            model: try Sample.llama.model(), prompt: [5], policy: Policy(threads: 1), keep: .all(budget: 1 << 30))
        #expect(throws: PromptError.self) { try pass.differentiate() }
    }
}
