import Engine
import Models
import Tensors
import Testing

struct BlameTests {
    /// Both runs of a sample, and what the logits should be.
    private static func runs(_ sample: Sample, low: String, high: String = "", tokens: Int = 10) throws -> (
        low: Stepper, high: Stepper, truth: Truth
    ) {
        let (model, ids) = (try sample.model(), try Array(sample.promptIDs().prefix(tokens)))
        let runs = try [low, high].map { try model.run(ids, rules: Policy.rules(from: $0)) }
        let oracle = try #require(try Oracle(of: runs[1]))
        return (runs[0], runs[1], try #require(Truth(oracle)))
    }

    private static func effect(_ mixture: Mixture, _ truth: Truth) throws -> Departure {
        Departure(try #require(try mixture.logits), from: truth)
    }

    private static func effect(_ run: Stepper, _ truth: Truth) throws -> Departure {
        let id = try #require(run.program.id(of: "logits"))
        return Departure(try #require(try run.tensor(id)), from: truth)
    }

    /// A mixture has the bits of a run under the policy that it gives, whatever was turned before.
    @Test(arguments: [Sample.llama, .gpt2, .gemma2], ["bf16", "fp16", "* fp8e4m3", "autocast-bf16", "@products accumulate fp16"])
    func aMixtureIsTheRunOfItsPolicy(_ sample: Sample, _ low: String) throws {
        let (lowRun, highRun, _) = try BlameTests.runs(sample, low: low)
        var mixture = try Mixture(low: lowRun, high: highRun, isHigh: false)
        var random = SplitMix64(state: 5)
        for _ in 0..<3 {
            let turned = mixture.units.indices.filter { _ in random.next() % 3 == 0 }
            mixture = try #require(try mixture.turning(turned))
        }
        let text = Policy(rules: mixture.rules).text
        let fresh = try sample.model().run(Array(sample.promptIDs().prefix(10)), rules: Policy.rules(from: text))
        for step in fresh.program.steps {
            let (mine, theirs) = (try mixture.tensor(step.output), try fresh.tensor(step.output))
            #expect(mine?.floats().map(\.bitPattern) == theirs?.floats().map(\.bitPattern), "\(fresh.program.values[step.output].name)")
        }
        let kept = try #require(try mixture.turning(mixture.units.indices.filter { mixture.isHigh[$0] }))
        #expect(try kept.logits?.floats().map(\.bitPattern) == lowRun.floats("logits").map(\.bitPattern))
    }

    /// One op is made bad: it leads the list, both ways round, with its kind and its layer.
    @Test func theWorstOpLeads() throws {
        let name = "model.layers.2.mlp.down_proj"
        let (low, high, truth) = try BlameTests.runs(.llama, low: "bf16\n=\(name) fp4e2m1")
        for grouping in Blamer.Grouping.allCases {
            var blamer = try Blamer(low: low, high: high, truth: truth, by: grouping)
            while !blamer.isFinished { #expect(try blamer.step()) }
            let first = try #require(blamer.blame.sorted.first)
            #expect(first.name == (grouping == .op ? name : grouping == .kind ? "linear" : "layer 2"))
            #expect(blamer.blame.gain(first) > 0.5 * blamer.blame.low.nmse && first.alone.nmse > 0.5 * blamer.blame.low.nmse)
            #expect(first.lifted.kl < first.alone.kl && blamer.blame.high.nmse < 1e-9)
            #expect(blamer.blame.entries.map(\.units.count).reduce(0, +) == blamer.low.units.count)
        }
    }

    @Test func effects() throws {
        let shape = Shape((.token, 2), (.vocabulary, 3))
        let truth = Truth(try Tensor(shape, doubles: [1, 2, 3, 0, 0, 1]))
        let same = Departure(try Tensor(shape, [1, 2, 3, 0, 0, 1]), from: truth)
        #expect(same.kl == 0 && same.nmse == 0 && same.top1 == 1)
        // A constant on every logit of a token changes no probability.
        #expect(Departure(try Tensor(shape, [5, 6, 7, 0, 0, 1]), from: truth).kl < 1e-15)
        let other = Departure(try Tensor(shape, [1, 3, 2, 0, 0, 1]), from: truth)
        // By hand: p = softmax(1, 2, 3), q = softmax(1, 3, 2); Σ p·log(p/q) = (p₃ − p₂)·1, over two tokens.
        let p = [0.09003057317038046, 0.24472847105479764, 0.6652409557748218]
        #expect(abs(other.kl - (p[2] - p[1]) / 2) < 1e-12 && other.top1 == 0.5 && abs(other.nmse - 2.0 / 15) < 1e-12)
        let tiny = Departure(try Tensor(shape, doubles: [1, 2, 3 + 1e-9, 0, 0, 1]), from: truth)
        #expect(abs(tiny.kl / (0.5 * p[2] * (1 - p[2]) * 1e-18 / 2) - 1) < 1e-6)
        #expect(!Departure(try Tensor(shape, [.nan, 2, 3, 0, 0, 1]), from: truth).kl.isFinite)
    }

    @Test func tolerances() throws {
        for text in ["kl<0.001", "nmse<0.0001", "top1", "top1>0.9", "finite"] { #expect(try EffectBound(text).description == text) }
        #expect(try EffectBound("kl < 1e-3").limit == 1e-3)
        for text in ["", "kl", "kl>1", "nmse<x", "top1<1", "loss<1", "kl<-1", "finite<2", "kl<1<2"] {
            #expect(throws: PolicyError.self, "\(text)") { try EffectBound(text) }
        }
    }

    /// The set that is found keeps to the tolerance in a run of its own, and none of it can go low alone.
    @Test(arguments: [
        (Sample.llama, "bf16", "", "kl<1e-5"), (.gpt2, "bf16", "", "nmse<1e-5"), (.gemma2, "* fp8e4m3", "bf16", "kl<1e-2"),
        (.llama, "* fp8e5m2", "", "top1"),
    ])
    func theSmallestSet(_ sample: Sample, _ low: String, _ high: String, _ text: String) throws {
        let (lowRun, highRun, truth) = try BlameTests.runs(sample, low: low, high: high)
        let tolerance = try EffectBound(text)
        var search = try KeepWithin(low: lowRun, high: highRun, truth: truth, tolerance: tolerance, trials: 2000)
        while !search.isFinished { #expect(try search.step()) }
        #expect(!search.kept.isEmpty && search.kept.count < search.total && !search.isCutShort)
        let rules = try Policy.rules(from: Policy(rules: search.rules).text)
        let run = try sample.model().run(Array(sample.promptIDs().prefix(10)), rules: rules)
        #expect(try BlameTests.effect(run, truth) == search.effect && tolerance.holds(search.effect, isFinite: true))
        #expect(try !tolerance.holds(BlameTests.effect(lowRun, truth), isFinite: true))
        for unit in search.kept {
            let lowered = try #require(try search.mixture.turning([unit]))
            #expect(!tolerance.holds(try BlameTests.effect(lowered, truth), isFinite: true), "\(search.mixture.units[unit].name)")
        }
    }

    /// A model that overflows in fp16 at one value: that one has to stay, and no other.
    @Test func whatOverflowsHasToStay() throws {
        var model = try Sample.llama.model()
        let name = "model.layers.2.mlp.up_proj.weight"
        let weight = try model.weight(name)
        model.replacements[name] = try Tensor(weight.shape, weight.floats().map { $0 * 2e4 })
        let ids = try Array(Sample.llama.promptIDs().prefix(8))
        let high = try model.run(ids)
        let low = try model.run(ids, rules: Policy.Preset.fp16.rules)
        let truth = try #require(try Oracle(of: high).flatMap { Truth($0) })
        var search = try KeepWithin(low: low, high: high, truth: truth, tolerance: EffectBound("finite"))
        while !search.isFinished { #expect(try search.step()) }
        let names = search.kept.map { search.mixture.units[$0].name }
        // The value, what it is multiplied into, and the stream that takes it up.
        let stream = Set(high.program.values.filter { $0.role == .residual && ($0.layer ?? 0) > 1 }.map(\.name))
        #expect(names.allSatisfy { $0.hasPrefix("model.layers.2.mlp.") || stream.contains($0) }, "\(names)")
        #expect(names.contains("model.layers.2.mlp.up_proj") && names.count < 12)
        let run = try model.run(ids, rules: Policy.rules(from: Policy(rules: search.rules).text))
        #expect(
            run.program.steps.allSatisfy { (run.statistics($0.output)?.nan ?? 0) + (run.statistics($0.output)?.positiveInfinity ?? 0) == 0 }
        )
        #expect(try Why.find(in: run)?.kind != .overflow && Why.find(in: low)?.kind == .overflow)
    }

    @Test func whatCannotBeKeptIsSaid() throws {
        let (low, high, truth) = try BlameTests.runs(.llama, low: "bf16")
        let error = #expect(throws: PolicyError.self) {
            try KeepWithin(low: low, high: high, truth: truth, tolerance: EffectBound("nmse<1e-20"))
        }
        #expect(error?.rule.contains("even if all is high") == true)
    }
}
