import Checkpoints
import Engine
import Foundation
import Models
import StrictJSON
import Tensors
import Testing

@testable import Training

/// Heads for the tokens behind the next one: what they are measured against, how they begin, what stays of them.
struct FutureHeadTests {
    /// Two documents and padding: nothing is predicted across a border, a masked label counts nowhere.
    @Test func targetsStayInTheDocument() throws {
        var row = BatchRow(Example(ids: [5, 6, 7, 8], roles: [.counts, .counts, .template, .counts], line: 1))
        row.append(Example(ids: [9, 4, 3], roles: [.counts, .counts, .counts], line: 2))
        row.pad(to: 9, with: 0)
        let m = maskedLabel
        #expect(row.targets(7, further: 0) == [6, m, 8, m, 4, 3, m])
        #expect(row.targets(7, further: 1) == [m, 8, m, m, 3, m, m])
        #expect(row.targets(7, further: 2) == [8, m, m, m, m, m, m])
        #expect(row.targets(9, further: 1) == [m, 8, m, m, 3, m, m, m, m])
        #expect(row.targets(7, further: 0) == Array(row.targets.prefix(7)))
    }

    private func job(_ tiny: Tiny, _ values: [String: String]) throws -> TrainingJob {
        try tiny.job(
            TrainingSettings(["steps": "3", "batch-size": "3", "lr": "0.01", "shuffle": "off", "heads": "2"].merging(values) { $1 }))
    }

    /// A head begins as the identity: its losses are those of the next token's logits, measured further on; the next token's are untouched.
    @Test(arguments: Tiny.Kind.allCases, ["full", "lora", "qlora"]) func beginsAsTheNextTokensHead(_ kind: Tiny.Kind, _ method: String)
        throws
    {
        let tiny = try Tiny(kind)
        let job = try job(tiny, ["method": method])
        var trainer = try Trainer(job)
        let first = try trainer.finishStep()
        let report = try #require(first)
        var loader = BatchLoader(job.data, job.dataSettings)
        let next = loader.next()
        let batch = try #require(next)
        var sums = [0.0, 0.0, 0.0]
        var plain = job.model
        plain.objective = .next
        for row in batch.microBatches.flatMap(\.rows) {
            let count = row.ids.count - row.padding
            var stepper = try plain.stepper(ids: row.ids.prefix(count).map(Int.init), policy: Policy(), keep: .all(budget: .max))
            while !stepper.isFinished { try stepper.step() }
            let id = try #require(stepper.program.id(of: "logits"))
            let logits = try #require(try stepper.tensor(id)).doubles()
            for further in 0...2 {
                for (token, target) in row.targets(count, further: further).enumerated() where target >= 0 {
                    let z = logits[token * 31..<token * 31 + 31]
                    let top = z.max() ?? 0
                    sums[further] += log(z.reduce(0) { $0 + exp($1 - top) }) + top - z[z.startIndex + Int(target)]
                }
            }
        }
        #expect(report.heads.count == 3)
        for (found, sum) in zip(report.heads, sums) { #expect(abs(found - sum / Double(batch.counted)) < 1e-5 * found, "\(found)") }
        #expect(abs(report.loss - report.heads.reduce(0, +)) < 1e-6 * report.loss)
    }

    /// Each head's losses and gradients are values of the pass.
    @Test func partsAreValues() throws {
        var trainer = try Trainer(job(try Tiny(), ["method": "lora", "rank": "2"]))
        trainer.watching = true
        var names: Set<String> = []
        while trainer.state.step == 0 {
            if let stepper = trainer.stepper, stepper.cursor > 0 {
                names.insert(stepper.program.values[stepper.program.steps[stepper.cursor - 1].output].name)
            }
            try trainer.advance()
        }
        for number in [1, 2] {
            let head = Objective.futureHead(number)
            let wanted = [head, "\(head).logits", "\(head).loss.tokens", "\(head).loss", "grad:\(head).weight", "new:\(head).weight"]
            #expect(names.isSuperset(of: wanted), "\(names.filter { $0.contains(head) })")
        }
        #expect(names.contains("loss.next") && names.contains("loss"))
    }

    /// Saved beside the model or the adapter, which stay what they are without heads; the log has each head's loss.
    @Test(arguments: ["full", "lora"]) func checkpointsKeepThemApart(_ method: String) throws {
        let tiny = try Tiny()
        let settings = try TrainingSettings([
            "method": method, "steps": "2", "heads": "2", "rank": "2", "lr": "0.01", "validation": tiny.data,
        ])
        var run = try TrainingRun.new(tiny.plan(settings), in: tiny.out, policy: Policy())
        while try run.finishStep() != nil {}
        let folder = run.folder.folder(step: 2)
        let manifest = try #require(try run.folder.newest().manifest)
        #expect(manifest.files.contains { $0.name == FutureHeads.file })
        #expect(
            try SafetensorsFile(path: "\(folder)/\(FutureHeads.file)").entries.map(\.name).sorted() == [
                "future_head_1.weight", "future_head_2.weight",
            ])
        if method == "full" {
            // The heads are dropped where the next token alone is asked for.
            let ids = [3, 4, 5, 6]
            func loss(_ model: Model) throws -> Double? {
                var stepper = try model.stepper(ids: ids, policy: Policy(), keep: .nothing)
                while !stepper.isFinished { try stepper.step() }
                return try stepper.program.id(of: "loss").flatMap { try stepper.tensor($0)?.value(at: [0]) }
            }
            var trained = run.trainer.model
            trained.objective = .next
            #expect(try loss(Model(path: folder)) == loss(trained))
        } else {
            var model = try Model(path: tiny.model)
            try PEFTAdapter(path: folder).attach(to: &model)
        }
        let text = try String(contentsOfFile: "\(tiny.out)/log.jsonl", encoding: .utf8)
        let lines = try text.split(separator: "\n").map { try #require(try StrictJSON.parse(Array($0.utf8)).object) }
        for line in lines {
            let heads = try #require(line["heads"]?.array?.compactMap { $0.number?.double })
            let loss = try #require(line["loss"]?.number?.double)
            #expect(heads.count == 3 && abs(heads.reduce(0, +) - loss) < 1e-6 * loss)
        }
        // The validation loss is the next token's alone.
        let validation = try #require(lines.last?["validation"]?.number?.double)
        var trained = run.trainer.model
        trained.objective = .next
        let plain = try Trainer(
            tiny.job(TrainingSettings(["method": "full", "validation": tiny.data])), model: trained, state: TrainingState())
        #expect(validation == (try plain.validationLoss()))
    }

    @Test(arguments: ["dpo", "orpo", "reward"]) func preferencesHaveNone(_ method: String) throws {
        #expect(throws: SettingError.self) { try job(Tiny(), ["method": method]) }
    }
}
