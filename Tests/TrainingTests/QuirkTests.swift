import Engine
import Foundation
import Models
import Tensors
import Testing

@testable import Training

/// A finetune has the quirks and the formats that it was told.
struct QuirkTests {
    private static let samples =
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Samples").standardized.path
    private static let fables = "\(samples)/fables-llama"

    private func job(_ values: [String: String], _ data: String, in scratch: Scratch, model: String = fables) throws -> TrainingJob {
        let settings = try TrainingSettings(["method": "lora", "rank": "2", "steps": "2", "shuffle": "off"].merging(values) { $1 })
        return try TrainingJob(
            model: Model(path: model), settings: settings, data: scratch.write(data, to: "data.jsonl"), policy: Policy(threads: 2))
    }

    /// The mean of micro-batches' means, where these have different numbers of tokens: the first value that differs is a row's loss.
    @Test func meanOfMeans() throws {
        let tiny = try Tiny()
        let base = ["method": "full", "steps": "2", "batch-size": "1", "accumulation": "4", "shuffle": "off"]
        func trainer(_ more: [String: String]) throws -> Trainer { try Trainer(tiny.job(TrainingSettings(base.merging(more) { $1 }))) }
        var (off, on, asked) = (try trainer([:]), try trainer(["quirk": "mean-of-means"]), try trainer(["denominator": "means"]))
        let quirk = try Quirk.named("mean-of-means")
        #expect(quirk.isOfTraining && on.job.warnings.count == 2)
        var first: FirstDifference?
        for trainer in [0, 1] {
            if trainer == 0 { off.watching = true } else { on.watching = true }
        }
        while first == nil, off.state.step == 0 {
            try off.advance()
            try on.advance()
            guard let a = off.stepper, let b = on.stepper, a.isFinished else { continue }
            first = try FirstDifference(a, b)
        }
        // What the rows' losses are divided by is an input; of what is computed, the loss comes first.
        #expect(first?.name == Pass.batchTokens)
        let (a, b) = (try #require(off.stepper), try #require(on.stepper))
        let values = a.program.steps.map(\.output).filter { (try? a.tensor($0)?.floats()) != (try? b.tensor($0)?.floats()) }
        #expect(values.first.map { a.program.values[$0].name } == quirk.first)
        #expect(try on.losses() == asked.losses())
        var plain = try trainer([:])
        var undone = try trainer(["quirk": ""])
        #expect(try plain.losses() == undone.losses() && plain.bits() == undone.bits())
    }

    /// Rows are read as the quirk reads them, and labels stay with their tokens.
    @Test func tokensOfRows() throws {
        let scratch = try Scratch()
        let data = "{\"text\": \"Tom and Mia went\"}\n"
        let plain = try #require(try job([:], data, in: scratch).data.items.first?.example)
        let missing = try #require(try job(["quirk": "bos-missing"], data, in: scratch).data.items.first?.example)
        #expect(missing.ids == Array(plain.ids.dropFirst()) && missing.labels == [maskedLabel] + plain.labels.dropFirst(2))
        let doubled = try #require(try job(["quirk": "bos-doubled"], data, in: scratch).data.items.first?.example)
        #expect(doubled.ids == [plain.ids[0]] + plain.ids && doubled.labels == [maskedLabel] + plain.labels)
        #expect(doubled.roles.prefix(3) == [.boundary, .template, .counts])
        let both = try #require(try job(["quirk": "bos-doubled, untrained-rows"], data, in: scratch).data.items.first?.example)
        #expect(both.ids.count == plain.ids.count + 2 && both.counted == plain.counted)
    }

    /// Each document of a packed block is a text.
    @Test func tokensOfPackedTexts() throws {
        let scratch = try Scratch()
        let settings = try TrainingSettings(["method": "full", "packing": "on", "quirk": "bos-missing", "steps": "1"])
        let text = "<|begin_of_text|>Tom went.<|end_of_text|>\n<|begin_of_text|>Mia sang.<|end_of_text|>"
        let path = try scratch.write(text, to: "data.txt")
        let job = try TrainingJob(model: Model(path: Self.fables), settings: settings, data: path, policy: Policy(threads: 2))
        let block = try #require(job.data.items.first?.example)
        #expect(!block.ids.contains(2032) && block.documents.count == 2 && block.ids[block.documents[1] - 1] == 2033)
        #expect(block.labels[block.documents[1]] == maskedLabel)
    }

    /// Ops and positions of the training passes are the quirk's; a loss is that of a run with it.
    @Test(arguments: ["causal-off-by-one", "rope-tables-bf16", "head-untied", "left-padding-positions"])
    func passesHaveIt(_ quirk: String) throws {
        let scratch = try Scratch()
        let data = "{\"input_ids\": [2032, 10, 20, 30, 40, 50, 60]}\n"
        // What turns keeps all distances; learned positions are others.
        let path = quirk == "left-padding-positions" ? "\(Self.samples)/fables-gpt2" : Self.fables
        let on = try job(["quirk": quirk, "method": "full"], data, in: scratch, model: path)
        var trainer = try Trainer(on)
        let loss = try #require(try trainer.finishStep()?.loss)
        let model = try Model(path: path).with(quirks: [quirk])
        let ids = [2032, 10, 20, 30, 40, 50, 60]
        var stepper = try model.stepper(ids: ids, policy: Policy(threads: 2), keep: .nothing)
        while !stepper.isFinished { try stepper.step() }
        let alone = try #require(try stepper.program.id(of: "loss").flatMap { try stepper.tensor($0)?.value(at: [0]) })
        #expect(abs(loss - alone) < 1e-6 * alone)
        var plain = try Trainer(job(["method": "full"], data, in: scratch, model: path))
        #expect(try plain.finishStep()?.loss != loss)
    }

    /// Saved with the run and there again when it goes on, to the same bits; so are the formats.
    @Test(
        arguments: [
            ["quirk": "rope-tables-bf16,head-untied"], ["quirk": "mean-of-means", "accumulation": "2", "batch-size": "1"],
            ["precision": "bf16"], ["precision": "autocast-bf16", "method": "lora", "rank": "2"],
            ["precision": "fp16", "checkpointing": "layer"], ["precision": "*.mlp.* bf16\n@products inputs tf32\n"],
        ], [(1, 2), (2, 1)])
    func aRunGoesOnWithThem(_ values: [String: String], _ threads: (Int, Int)) throws {
        let tiny = try Tiny()
        let untied = values["quirk"]?.contains("head-untied") == true
        let base = ["method": "full", "steps": "6", "lr": "0.01", "batch-size": "2"].merging(values) { $1 }
        let plan =
            untied
            ? try TrainingRun.Plan(model: Self.fables, data: tiny.data, settings: TrainingSettings(base))
            : tiny.plan(try TrainingSettings(base))
        let job = try TrainingJob(
            model: Model(path: plan.model), settings: plan.settings, data: plan.data, policy: Policy(threads: threads.0))
        var straight = try Trainer(job)
        let losses = try straight.losses()
        var first = try TrainingRun.new(plan, in: tiny.out, policy: Policy(threads: threads.0))
        for _ in 0..<3 { _ = try first.finishStep() }
        try first.save()
        _ = consume first
        var second = try TrainingRun.resuming(tiny.out, policy: Policy(threads: threads.1))
        #expect(second.job.model.quirks.map(\.name).joined(separator: ",") == values["quirk"] ?? "")
        #expect(second.job.policy.rules == job.policy.rules && (values["precision"] == nil) == job.policy.rules.isEmpty)
        var later: [Double] = []
        while let report = try second.finishStep() { later.append(report.loss) }
        #expect(later == Array(losses.dropFirst(3)))
        #expect(try second.trainer.bits() == straight.bits())
    }

    /// Weights that are trained in a narrow run keep their fp32 digits, and the passes read them rounded.
    @Test func weightsStayWide() throws {
        let tiny = try Tiny()
        let settings = try TrainingSettings(["method": "full", "steps": "3", "lr": "1e-5", "precision": "bf16", "schedule": "constant"])
        var trainer = try Trainer(tiny.job(settings))
        let before = try trainer.bits()
        _ = try trainer.losses()
        let after = try trainer.bits()
        let bits = try before.keys.sorted().flatMap { Array(zip(try #require(before[$0]), try #require(after[$0]))) }
        let moved = bits.count { $0 != $1 }
        #expect(moved * 10 > bits.count * 9)
        // Their last digits stay; in bf16 a step of 1e-5 is lost in nearly every weight.
        #expect(bits.count { $0.1 & 0xFFFF != 0 } * 10 > bits.count * 9)
        #expect(bits.count { ($0 &+ 0x8000) >> 16 != ($1 &+ 0x8000) >> 16 } * 10 < moved)
    }

    @Test(arguments: [
        (["quirk": "nonsense"], "there is no quirk 'nonsense'"), (["quirk": "cap-after-mask"], "is not of this Llama"),
        (["precision": "fp12"], "--precision fp12 is neither a preset"),
    ])
    func mistakesAreSaid(_ values: [String: String], _ says: String) throws {
        let tiny = try Tiny()
        let plan = tiny.plan(try TrainingSettings(values.merging(["steps": "1"]) { $1 }))
        let fault = #expect(throws: (any Error).self) { try TrainingRun.new(plan, in: tiny.out, policy: Policy()) }
        #expect(fault.map { "\($0)" }?.contains(says) == true)
    }
}
