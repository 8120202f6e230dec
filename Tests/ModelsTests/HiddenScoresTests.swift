import Engine
import Models
import Tensors
import Testing

/// A model rounded to one format everywhere, whatever the format has for −∞.
struct HiddenScoresTests {
    private static let ids = [1, 5, 36, 0, 7, 5, 22, 11, 30, 2, 17, 8]

    private static func model(_ name: String) throws -> Model { try TinyCheckpoint(try #require(Architecture.find(name))).model() }

    private static func tensor(_ run: Stepper, _ id: Int) throws -> Tensor { try #require(try run.tensor(id)) }

    /// What the mask hides is hidden in every format, and what it shows is rounded as if nothing else were there.
    @Test(arguments: ["llama", "gpt2", "gemma", "gemma2"], NumberFormat.all)
    func aMaskIsNoNumber(_ name: String, _ format: NumberFormat) throws {
        // Some of this model's own numbers are too large for one of them.
        let format = name == "gpt2" && format == .fp8e4m3 ? format.saturating() : format
        let model = try Self.model(name)
        let run = try model.run(Self.ids, rules: Policy.rules(from: "* \(format)\n@attention-scores kernel reference"))
        let plain = try model.run(Self.ids)
        for step in run.program.steps where step.op is AttentionScores {
            let (value, free) = (try Self.tensor(run, step.output).floats(), try Self.tensor(plain, step.output).floats())
            #expect(value.map { $0 == -.infinity } == free.map { $0 == -.infinity } && value.contains(-.infinity))
            guard format.mantissaBits <= 23 else { continue }
            let made = step.op.reference(try step.inputs.map { Dense<Float>(try Self.tensor(run, $0)) }, rounding: Rounding(format: format))
            let covered = try Tensor(made.shape, made.values.map { $0 == -.infinity ? 0 : $0 })
            let expected = try zip(free, format.rounded(covered, threads: 1).floats()).map { $0 == -.infinity ? $0 : $1 }
            #expect(value == expected, "\(run.program.values[step.output].name)")
        }
        #expect(try Why.find(in: run) == nil)
        for step in run.program.steps where step.op is Softmax {
            let hidden = try Self.tensor(plain, step.inputs[0]).floats().map { $0 == -.infinity }
            #expect(try zip(hidden, Self.tensor(run, step.output).floats()).allSatisfy { $0 ? $1 == 0 : $1.isFinite })
        }
    }

    /// Rounding explains every value, forward and backward, whatever is rounded to: blocks with a scale, levels, numbers without an infinity.
    @Test(arguments: ["llama", "gemma2"], NumberFormat.all) func roundingExplainsEveryFormat(_ name: String, _ format: NumberFormat) throws
    {
        let model = try Self.model(name)
        let run = try model.run(Self.ids, rules: Policy.rules(from: "* \(format)"), backward: true)
        let trusted = try model.run(Self.ids, backward: true)
        let judge = Judge(.run(run), stepping: trusted, backward: true)
        let verdicts = try #require(try Judge.verdicts(judge))
        #expect(verdicts.count >= run.program.steps.count)
        for verdict in verdicts where verdict.kind == .bug {
            Issue.record("\(run.program.values[verdict.value].name) \(verdict.index): \(verdict.factor)")
        }
    }
}
