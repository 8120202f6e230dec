import Engine
import Models
import Tensors
import Testing

/// The model of rounding beside samples of it, and verdicts on gradients.
struct RoundingSampleTests {
    private static func verdicts(_ run: Stepper, by trusted: Stepper, backward: Bool = false, samples: Int = 0) throws -> Verdicts {
        var (judge, verdicts) = (Judge(.run(run), stepping: trusted, backward: backward, samples: samples), Verdicts())
        while !judge.isFinished { try judge.step(into: &verdicts) }
        return verdicts
    }

    private static func run(_ sample: Sample, _ rules: String, quirks: [String] = []) throws -> Stepper {
        let ids = try Array(sample.promptIDs().prefix(12))
        return try sample.model().with(quirks: quirks).run(ids, rules: Policy.rules(from: rules), backward: true)
    }

    @Test(arguments: [Sample.llama, .gpt2, .gemma2], ["", "bf16"]) func printSpread(_ sample: Sample, _ rules: String) throws {
        let run = try Self.run(sample, rules)
        let verdicts = try Self.verdicts(run, by: run, backward: true, samples: 8)
        for entry in verdicts.entries {
            if let s = entry.spread, s.ratio < 0.3 || s.ratio > 1.6 {
                print("RATIO", sample, rules, entry.name, run.program.card(entry.name), s.ratio, s.measured, s.predicted)
            }
        }
        let ratios = verdicts.entries.compactMap { $0.spread?.ratio }.sorted()
        print(
            "RATIOS", sample, rules, ratios.count, ratios.first!, ratios[ratios.count / 20], ratios[ratios.count / 2],
            ratios[ratios.count * 19 / 20], ratios.last!)
        print("BUGS", verdicts.entries.filter { $0.verdict.isBug }.map { ($0.name, $0.verdict.factor) })
    }
}
extension Program { func card(_ name: String) -> String { id(of: name).flatMap { values[$0].step }.map { steps[$0].op.card.name } ?? "" } }
