import Engine
import Models
import Tensors
import Testing

/// The model of rounding beside samples of it, and verdicts on the reverse walk.
struct RoundingSampleTests {
    private static func verdicts(_ run: Stepper, by trusted: Stepper, samples: Int = 0) throws -> Verdicts {
        var (judge, verdicts) = (Judge(.run(run), stepping: trusted, backward: true, samples: samples), Verdicts())
        while !judge.isFinished { try judge.step(into: &verdicts) }
        return verdicts
    }

    /// A forward pass and the reverse walk; nothing is kept.
    private static func stepper(_ sample: Sample, _ rules: String = "", quirks: [String] = [], edits: EditSet = EditSet()) throws -> Stepper
    {
        let model = try sample.model().with(quirks: quirks)
        let ids = try Array(sample.promptIDs().prefix(10))
        return try model.stepper(
            ids: ids, leaves: { $0.role == .weight }, edits: edits, policy: Policy(rules: Policy.rules(from: rules), threads: 2),
            keep: .nothing)
    }

    /// In fp32 products are added up in other orders and other ops round at random: blocked sums round less often than the model counts. In
    /// bf16 stochastic rounding of what is stored has √2 times the deviation of rounding to nearest, which the model has.
    @Test(arguments: [Sample.llama, .gpt2, .gemma2], ["", "bf16"]) func theModelAgreesWithSamples(_ sample: Sample, _ rules: String) throws
    {
        let run = try Self.stepper(sample, rules)
        let spreads = try Self.verdicts(run, by: run, samples: 6).entries.compactMap(\.spread).filter { $0.measured > 0 }
        let ratios = spreads.map(\.ratio).sorted()
        let within = { (factor: Double) in Double(ratios.count { $0 < factor && $0 > 1 / factor }) / Double(ratios.count) }
        #expect(ratios.count > 200 && ratios[ratios.count - 1] < 2, "\(ratios)")
        #expect(rules.isEmpty ? within(4) > 0.9 : within(2) > 0.95, "\(ratios)")
    }

    @Test func aSeedGivesTheSameSample() throws {
        let run = try Self.stepper(.llama)
        let (one, other) = (try Self.verdicts(run, by: run, samples: 2), try Self.verdicts(run, by: run, samples: 2))
        #expect(one.entries.map(\.spread) == other.entries.map(\.spread) && one.entries.contains { $0.spread?.measured ?? 0 > 0 })
    }

    /// Kernels, formats and threads change gradients by rounding alone.
    @Test(arguments: [Sample.llama, .gpt2, .gemma2], ["", "* kernel reference", "bf16", "autocast-bf16"])
    func otherRoundingOfGradientsIsNoise(_ sample: Sample, _ rules: String) throws {
        let verdicts = try Self.verdicts(Self.stepper(sample, rules), by: Self.stepper(sample))
        let gradients = verdicts.entries.filter { $0.name.hasPrefix("grad:") }
        #expect(gradients.count > 100 && verdicts.firstBug == nil, "\(String(describing: verdicts.firstBug))")
    }

    /// A published mistake is a bug forward and, where the derivative has it too, backward; the other gradients carry it.
    @Test(arguments: [
        (Sample.gemma2, "gelu-exact", "act_fn", "gate_proj"), (.gpt2, "scores-unscaled", "scores", "q"),
        (.gemma2, "caps-missing", "scores", "q_rope"),
    ])
    func mistakesAreFoundInTheReverseWalk(_ sample: Sample, _ quirk: String, _ forward: String, _ backward: String) throws {
        let verdicts = try Self.verdicts(Self.stepper(sample, quirks: [quirk]), by: Self.stepper(sample))
        let bugs = verdicts.entries.filter(\.verdict.isBug)
        #expect(bugs.contains { !$0.name.hasPrefix("grad:") && $0.name.hasSuffix(forward) })
        #expect(bugs.contains { $0.name.hasPrefix("grad:") && $0.name.contains(".\(backward)") }, "\(bugs.map(\.name))")
        let places = ["\(forward)", "logits", "grad:logits", "grad:lm_head"] + ["gate_proj", "q", "k", "q_rope", "k_rope"]
        #expect(bugs.allSatisfy { bug in places.contains { bug.name.hasSuffix($0) } }, "\(bugs.map(\.name))")
        #expect(verdicts.entries.contains { $0.name.hasPrefix("grad:") && $0.verdict.kind == .carried })
    }

    /// A gradient that is a thousandth too large, or whose first row is left out: each is a bug there and nowhere else.
    @Test(
        arguments: ["grad:model.layers.2.mlp.product", "grad:model.layers.3.self_attn.o_proj.weight", "grad:model.layers.1"], [false, true])
    func plantedGradients(_ name: String, _ leavesOut: Bool) throws {
        let ids = try Array(Sample.llama.promptIDs().prefix(10))
        let run = try Sample.llama.model().run(ids, backward: true)
        let tensors = try run.program.steps.map { step in
            let (value, tensor) = (run.program.values[step.output], try #require(try run.tensor(step.output)))
            guard value.name == name else { return (name: value.name, tensor: tensor) }
            let row = tensor.shape.rowLength
            let numbers = tensor.floats().enumerated().map { leavesOut ? ($0 < row ? 0 : $1) : $1 * 1.001 }
            return (name: value.name, tensor: try Tensor(tensor.shape, numbers))
        }
        let side = ComparedSide.tensors(NamedTensors(title: "planted", tensors))
        var (judge, verdicts) = (Judge(side, stepping: try Self.stepper(.llama), backward: true), Verdicts())
        while !judge.isFinished { try judge.step(into: &verdicts) }
        #expect(verdicts.entries.filter(\.verdict.isBug).map(\.name) == [name])
        #expect(verdicts[name]?.factor ?? 0 > 5, "\(String(describing: verdicts[name]))")
    }
}
