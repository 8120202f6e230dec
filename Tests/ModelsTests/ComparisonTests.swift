import Engine
import Models
import Tensors
import Testing

/// A run against another, value by value.
@Suite struct ComparisonTests {
    private static let ids = [2032, 286, 316, 274, 312, 270, 300, 299]

    private func stepper(
        _ sample: Sample, quirks: [String] = [], preset: Policy.Preset = .fp32, keep: Recording.Keep = .nothing, backward: Bool = false
    ) throws -> Stepper {
        try sample.model().with(quirks: quirks).stepper(
            ids: Self.ids, leaves: backward ? { $0.role == .weight } : nil, policy: Policy(preset), keep: keep)
    }

    private func compared(_ one: Stepper, _ side: ComparedSide, tolerance: Tolerance = Tolerance()) throws -> Comparison {
        var comparer = Comparer(one, against: side, tolerance: tolerance)
        #expect(try comparer.finish())
        return comparer.comparison
    }

    @Test("a run is the same as itself, every value of it", arguments: Sample.allCases)
    func itself(sample: Sample) throws {
        let run = try stepper(sample)
        let comparison = try compared(run, .run(run))
        let names = Set(run.program.steps.map { run.program.values[$0.output].name })
        #expect(comparison.isIdentical && comparison.firstBeyond == nil)
        #expect(names.isSubset(of: comparison.rows.map(\.name)) && comparison.onlyHere.isEmpty && comparison.onlyThere.isEmpty)
        #expect(comparison.rows.allSatisfy { $0.nmse == 0 && $0.cosine == 1 && $0.logNorm == nil })
        #expect(comparison.divergence?.mean == 0 && comparison.divergence?.agreement == 1)
        #expect(comparison.stream.count == run.program.layerCount + 1)
    }

    @Test("numbers of a row are those of a plain loop over both runs")
    func numbers() throws {
        let (one, other) = (try stepper(.gemma2), try stepper(.gemma2, preset: .bf16))
        let comparison = try compared(one, .run(other))
        let (a, b) = (try finished(one), try finished(other))
        for name in ["model.layers.2.mlp", "model.layers.4.self_attn.scores", "logits"] {
            let row = try #require(comparison.rows.first { $0.name == name || $0.aliases.contains(name) })
            let (x, y) = (try a.floats(name).map(Double.init), try b.floats(name).map(Double.init))
            let pairs = zip(x, y).filter { $0.0.isFinite }
            let distance = pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
            let squares = pairs.reduce(0) { $0 + $1.0 * $1.0 }
            #expect(abs(row.nmse - distance / squares) <= 1e-12 * row.nmse && abs(row.norm - distance.squareRoot()) <= 1e-12 * row.norm)
            let largest = pairs.map { abs($0.0 - $0.1) }.max()
            #expect(row.largest == largest && abs(row.numbers[0] - row.numbers[1]) == largest)
            let place = try #require(row.shape.position(of: row.index))
            #expect(row.numbers == [x[place], y[place]])
        }
    }

    private func finished(_ stepper: Stepper) throws -> Stepper {
        var run = stepper
        while !run.isFinished { try run.step() }
        return run
    }

    @Test("the first value that differs is the one that a quirk changes", arguments: ["gelu-exact", "norm-cast-early", "sqrt-d-format"])
    func quirk(name: String) throws {
        let quirk = try Quirk.named(name)
        let comparison = try compared(stepper(.gemma2), .run(stepper(.gemma2, quirks: [name])), tolerance: Tolerance(nmse: 0))
        let first = try #require(comparison.firstBeyond)
        #expect(comparison.rows[first].name == quirk.first)
        #expect(comparison.rows[..<first].allSatisfy { $0.isIdentical })
        #expect(try #require(comparison.divergence).mean > 0)
    }

    @Test("runs that keep nothing give what runs that keep all give")
    func streaming() throws {
        let lean = try compared(stepper(.llama), .run(stepper(.llama, preset: .fp16)))
        let full = try compared(stepper(.llama, keep: .all(budget: .max)), .run(stepper(.llama, preset: .fp16, keep: .all(budget: .max))))
        #expect(lean.rows.map(\.name) == full.rows.map(\.name) && lean.rows.map(\.difference) == full.rows.map(\.difference))
        #expect(lean.divergence == full.divergence)
    }

    @Test("the bound follows the coarsest format that came before")
    func bounds() throws {
        let plain = try compared(stepper(.llama), .run(stepper(.llama)))
        #expect(plain.rows.last?.limit == 1e-8)
        let narrow = try compared(stepper(.llama), .run(stepper(.llama, preset: .mixed)))
        #expect(narrow.rows.last?.limit == 1e-4)
        let norm = narrow.rows.first { $0.name == "model.norm" }
        #expect(norm?.formats == ["fp32", "fp32"] && norm?.limit == 1e-4)
        #expect(try compared(stepper(.llama), .run(stepper(.llama, preset: .mixed)), tolerance: Tolerance(nmse: 0)).firstBeyond != nil)
    }

    @Test("gradients are compared where both runs walk back")
    func gradients() throws {
        let one = try stepper(.gpt2, backward: true)
        let comparison = try compared(one, .run(stepper(.gpt2, preset: .fp64, backward: true)))
        let gradients = comparison.rows.filter { $0.name.hasPrefix("grad:") }
        #expect(gradients.count > one.program.weights.count && gradients.allSatisfy { !$0.name.contains(" via ") })
        #expect(comparison.firstBeyond == nil, "\(comparison.rows[comparison.firstBeyond ?? 0])")
        let oneSided = try compared(one, .run(stepper(.gpt2)))
        #expect(oneSided.onlyHere.contains { $0.hasPrefix("grad:") } && oneSided.onlyThere.isEmpty)
    }

    @Test("another architecture shares what has the same name")
    func otherArchitecture() throws {
        let comparison = try compared(stepper(.llama), .run(stepper(.gpt2)))
        #expect(comparison.rows.contains { $0.name == "lm_head" } && comparison.divergence != nil)
        #expect(comparison.onlyHere.contains("model.layers.0.mlp.act_fn") && comparison.onlyThere.contains("transformer.h.0.mlp.c_fc"))
    }
}
