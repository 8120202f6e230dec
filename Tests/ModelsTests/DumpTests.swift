import Checkpoints
import Engine
import Foundation
import Models
import Tensors
import Testing

/// A run against a file of what PyTorch's modules returned (Golden/make_dump.py).
@Suite struct DumpTests {
    private static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Golden/dump-gemma2.safetensors").path

    private func compared(quirks: [String] = [], _ named: NamedTensors? = nil) throws -> Comparison {
        let dump = try TensorDump(path: Self.path)
        let model = try Sample.gemma2.model().with(quirks: quirks)
        let run = try model.stepper(ids: try #require(dump.ids), policy: Policy(), keep: .nothing)
        var comparer = Comparer(run, against: .tensors(named ?? dump.named))
        #expect(try comparer.finish())
        return comparer.comparison
    }

    @Test func transformersComputesTheSame() throws {
        let comparison = try compared()
        #expect(comparison.firstBeyond == nil && comparison.rows.count > 80)
        #expect(comparison.rows.allSatisfy { $0.nmse < 1e-11 && ($0.limit == 1e-8 || $0.role == .input) })
        #expect(comparison.onlyThere == ["model", "model.rotary_emb"] && comparison.onlyHere.contains("model.layers.0.self_attn.scores"))
        #expect(try #require(comparison.divergence).mean < 1e-9 && comparison.divergence?.agreement == 1)
        #expect(comparison.stream.count == 7)
    }

    /// What differs first is the module whose op a mistake is in.
    @Test(arguments: [
        ("gelu-exact", "model.layers.0.mlp.act_fn"), ("norm-cast-early", "model.layers.0.input_layernorm"),
        ("sqrt-d-format", "model.embed_tokens"), ("causal-off-by-one", "model.layers.0.self_attn.o_proj"),
    ])
    func aMistakeIsFoundWhereItIs(_ quirk: String, _ first: String) throws {
        let comparison = try compared(quirks: [quirk])
        let place = try #require(comparison.firstBeyond)
        #expect(comparison.rows[place].name == first)
        #expect(comparison.rows[..<place].allSatisfy { $0.nmse < 1e-11 })
    }

    /// Hooks on a base model name its modules without the prefix that they have in the whole model.
    @Test func namesThatLackTheirBeginningAreSaid() throws {
        let dump = try TensorDump(path: Self.path)
        let tensors = dump.named.names.filter { $0.hasPrefix("model.") }.map { (String($0.dropFirst(6)), dump.named.tensors[$0]) }
        let comparison = try compared(NamedTensors(title: "test", tensors.compactMap { name, tensor in tensor.map { (name, $0) } }))
        #expect(comparison.rows.isEmpty && comparison.missingPrefix == "model.")
        #expect(comparison.nothingShared.contains("names there lack 'model.': put it before them"))
        #expect(try compared().missingPrefix == nil)
    }

    // MARK: verdicts

    /// PyTorch's tensors have a batch axis: its inputs are read and its values judged all the same.
    private func judged(quirks: [String] = []) throws -> (all: [Verdict], program: Program) {
        let dump = try TensorDump(path: Self.path)
        let model = try Sample.gemma2.model().with(quirks: quirks)
        let trusted = try model.stepper(ids: try #require(dump.ids), policy: Policy(), keep: .nothing)
        var (judge, verdicts) = (Judge(.tensors(dump.named), stepping: trusted), [Verdict]())
        while !judge.isFinished { if let verdict = try judge.step() { verdicts.append(verdict) } }
        return (verdicts, trusted.program)
    }

    @Test func whatTransformersRoundsIsNoise() throws {
        let (verdicts, program) = try judged()
        #expect(verdicts.count > 80 && verdicts.contains { $0.kind == .noise })
        for verdict in verdicts { #expect(!verdict.isBug, "\(program.values[verdict.value].name): \(verdict)") }
        #expect(verdicts.first { program.values[$0.value].name == "input_ids" }?.kind == .same)
    }

    @Test(arguments: [
        ("gelu-exact", "model.layers.0.mlp.act_fn"), ("sqrt-d-format", "model.embed_tokens"),
        ("causal-off-by-one", "model.layers.0.self_attn.o_proj"), ("caps-missing", "model.layers.0.self_attn.o_proj"),
    ])
    func theOtherFormulaIsABug(_ quirk: String, _ first: String) throws {
        let (verdicts, program) = try judged(quirks: [quirk])
        #expect(verdicts.first(where: \.isBug).map { program.values[$0.value].name } == first)
    }

    /// A file may have anything under a name: what does not fit is not read, and nothing that was not judged is called noise.
    @Test(arguments: [[128, 3], [3, 7], [2, 128], [3, 0], [], [2, 3, 128]]) func whatDoesNotFitIsNotJudged(_ counts: [Int]) throws {
        let dump = try TensorDump(path: Self.path)
        let trusted = try Sample.gemma2.model().stepper(ids: try #require(dump.ids), policy: Policy(), keep: .nothing)
        let shape = Shape(counts.map { Axis(.item, $0) })
        let wrong = try Tensor(shape, [Float](repeating: 1, count: shape.elementCount))
        let tensors = dump.named.names.map { ($0, $0 == "input_ids" ? dump.named.tensors[$0] ?? wrong : wrong) }
        var (judge, verdicts) = (Judge(.tensors(NamedTensors(title: "test", tensors)), stepping: trusted), Verdicts())
        while !judge.isFinished { try judge.step(into: &verdicts) }
        #expect(verdicts.isNothingJudged && verdicts.firstBug == nil)
    }

    /// What a run in fp32 computed stays that when it is written in fp64.
    @Test func widenedNumbersAreOfTheirOwnFormat() throws {
        let numbers = [0.1, -3.5, 1e-3].map { Double(Float($0)) }
        let shape = Shape([Axis(.item, 3)])
        #expect(try Tensor(shape, doubles: numbers).narrowestFormat == .fp32)
        #expect(try Tensor(shape, doubles: numbers.map { $0 * (1 + 1e-12) }).narrowestFormat == .fp64)
        #expect(try Tensor(shape, doubles: [1, -0.5, .infinity]).narrowestFormat == .bf16)
    }

    // MARK: tokens

    @Test(arguments: [
        (ElementType.f32, [1, 2], [Float](arrayLiteral: 1, 2.5), "input_ids [1, 2]: not whole numbers"),
        (.f32, [2, 2], [1, 2, 3, 4], "input_ids [2, 2]: a batch of 2 texts, and one is compared"),
        (.f32, [1, 0], [], "input_ids [1, 0]: 0 tokens; 1 to 1048576 are compared"),
    ])
    func tokensOfOneTextAreTaken(_ type: ElementType, _ counts: [Int], _ numbers: [Float], _ rule: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/dump.safetensors"
        var writer = try SafetensorsWriter(path: path, tensors: [TensorPlan("input_ids", type, counts)])
        try numbers.withUnsafeBytes { try writer.write("input_ids", bytes: $0) }
        try writer.finish()
        let error = try #require(throws: CheckpointError.self) { try TensorDump(path: path) }
        #expect(error.rule == rule && "\(error)".contains(path) && error.nextStep == "Keep the tokens of one text.")
    }

    // MARK: layouts

    private func named(_ name: String, _ counts: [Int], _ change: ([Float]) -> [Float] = { $0 }) throws -> NamedTensors {
        let dump = try TensorDump(path: Self.path)
        let tensor = try #require(dump.named.tensors[name])
        let shape = Shape(counts.map { Axis(.item, $0) })
        return NamedTensors(title: "test", [(name, try Tensor(shape, change(tensor.floats())))])
    }

    @Test(arguments: [[1, 3, 192], [3, 192], [3, 8, 24], [1, 1, 3, 8, 24], [3, 192, 1]])
    func axesThatSayTheSameAreLaidUponEachOther(_ counts: [Int]) throws {
        let comparison = try compared(try named("model.layers.0.self_attn.q_proj", counts))
        #expect(comparison.rows.count == 1 && comparison.firstBeyond == nil && comparison.rows[0].nmse < 1e-11)
    }

    @Test(arguments: [
        ([2, 3, 192], "[3, 192] here, [2, 3, 192] there: a batch of 2; one text is compared"),
        ([8, 3, 24], "[3, 192] here, [8, 3, 24] there: as many elements, but their axes stand in another order"),
        ([5, 192], "[3, 192] here, [5, 192] there: 3 tokens here, 5 there"), ([3, 96], "[3, 192] here, [3, 96] there"),
    ])
    func whatDoesNotFitIsExplained(_ counts: [Int], _ says: String) throws {
        let count = counts.reduce(1, *)
        let other = try named("model.layers.0.self_attn.q_proj", counts) { Array(($0 + $0 + $0).prefix(count)) }
        let comparison = try compared(other)
        #expect(comparison.firstBeyond == 0 && comparison.rows[0].mismatch == says, "\(comparison.rows[0].mismatch ?? "")")
        #expect(comparison.rows[0].difference == nil && comparison.rows[0].nmse.isNaN)
    }

    /// Where a number is missing on one side the distance is infinite, and that element is named.
    @Test func whatIsNotANumberIsTheWorst() throws {
        let broken = try named("model.layers.0.self_attn.q_proj", [3, 192]) { values in
            var values = values
            (values[200], values[7]) = (.nan, 100)
            return values
        }
        let row = try #require(try compared(broken).rows.first)
        #expect(row.nmse == .infinity && row.isBeyond && row.index == [1, 8] && row.numbers[1].isNaN && row.cosine.isNaN)
    }

    /// transformers hides a key by adding the lowest number of the format.
    @Test func hiddenScoresAreHiddenOnBothSides() throws {
        let dump = try TensorDump(path: Self.path)
        let run = try Sample.gemma2.model().run(try #require(dump.ids))
        let name = "model.layers.1.self_attn.scores"
        let id = try #require(run.program.id(of: name))
        let scores = try #require(try run.tensor(id))
        let values = scores.floats().map { $0 == -.infinity ? -Float.greatestFiniteMagnitude : $0 }
        let comparison = try compared(NamedTensors(title: "test", [(name, try Tensor(scores.shape, values))]))
        #expect(comparison.rows.count == 1 && comparison.isIdentical)
    }

    // MARK: an element

    @Test func anElementKnowsWhatItWasComputedFrom() throws {
        let model = try Sample.gemma2.model()
        let ids = try Sample.gemma2.promptIDs()
        let runs = try [[], ["gelu-exact"]].map {
            try model.with(quirks: $0).stepper(ids: ids, policy: Policy(), keep: .all(budget: .max))
        }
        var comparer = Comparer(runs[0], against: .run(runs[1]))
        #expect(try comparer.finish())
        let row = try #require(comparer.comparison.rows.first { $0.name == "model.layers.0.mlp.down_proj" })
        let element = try #require(try comparer.element(of: row, at: row.index, limit: 1000))
        #expect(element.numbers == row.numbers && element.terms.count == 256)
        for side in 0..<2 {
            let sum = element.terms.reduce(0) { $0 + ($1.parts[side]?.term ?? .nan) }
            #expect(abs(sum - element.numbers[side]) < 1e-4 * abs(element.numbers[side]) + 1e-5)
        }
        #expect(zip(element.terms, element.terms.dropFirst()).allSatisfy { abs($0.difference ?? .nan) >= abs($1.difference ?? .nan) })
        #expect(try comparer.element(of: row, at: [99, 0], limit: 1) == nil)
    }

    /// A run with a cache and one without have the same terms.
    @Test func theTermsOfACacheAreThoseOfWhatIsInIt() throws {
        let (model, ids) = (try Sample.gemma2.model(), try Sample.gemma2.promptIDs())
        let one = try Generation(model: model, prompt: ids, policy: Policy(), keep: .all(budget: .max)).stepper
        let other = try model.stepper(ids: ids, policy: Policy(.bf16), keep: .all(budget: .max))
        var comparer = Comparer(one, against: .run(other))
        #expect(try comparer.finish())
        let row = try #require(comparer.comparison.rows.first { $0.name == "model.layers.1.self_attn.context" })
        let element = try #require(try comparer.element(of: row, at: row.index, limit: 1000))
        #expect(!element.terms.isEmpty && element.terms.allSatisfy { $0.parts.allSatisfy { $0 != nil } }, "\(element.terms)")
    }

    /// Of a file the terms are the same op's on the numbers that the file has; where it has not all of them, nothing is said of differences.
    @Test(arguments: [("model.layers.1.mlp.up_proj", 128), ("model.layers.0.self_attn.o_proj", nil)])
    func anElementOfAFile(_ name: String, _ known: Int?) throws {
        let dump = try TensorDump(path: Self.path)
        let model = try Sample.gemma2.model().with(quirks: ["gelu-exact"])
        let run = try model.stepper(ids: try #require(dump.ids), policy: Policy(), keep: .all(budget: .max))
        var comparer = Comparer(run, against: .tensors(dump.named))
        #expect(try comparer.finish())
        let row = try #require(comparer.comparison.rows.first { $0.name == name })
        let element = try #require(try comparer.element(of: row, at: row.index, limit: 1000))
        #expect(element.numbers == row.numbers && element.numbers[0] != element.numbers[1] && !element.terms.isEmpty)
        let there = element.terms.compactMap { $0.parts[1]?.term }
        #expect(there.count == known ?? 0 && element.terms.allSatisfy { ($0.difference == nil) == (known == nil) })
        if known != nil { #expect(abs(there.reduce(0, +) - element.numbers[1]) < 1e-4 * abs(element.numbers[1]) + 1e-5) }
    }
}
