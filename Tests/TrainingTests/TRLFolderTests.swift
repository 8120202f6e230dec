import Engine
import Foundation
import Models
import StrictJSON
import Testing

@testable import Training

/// A finetune as a folder for TRL has the run's own batches, rates and adapter.
struct TRLFolderTests {
    private func written(_ tiny: Tiny, _ values: [String: String]) throws -> (folder: String, job: TrainingJob) {
        let job = try tiny.job(TrainingSettings(values))
        let folder = "\(tiny.scratch.path)/trl"
        try TRLFolder.write(job, to: folder)
        return (folder, job)
    }

    /// Read back through the order, the rows are those that the trainer draws, over the end of an epoch.
    @Test(arguments: ["off", "on"]) func rowsAndRatesAreTheRuns(_ packing: String) throws {
        let tiny = try Tiny()
        let (folder, job) = try written(
            tiny, ["steps": "5", "batch-size": "2", "accumulation": "2", "packing": packing, "lr": "0.01", "rank": "2"])
        let lines = try String(contentsOfFile: "\(folder)/rows.jsonl", encoding: .utf8).split(separator: "\n")
        let rows = try lines.map { line in
            let object = try #require(try StrictJSON.parse(Array(line.utf8)).object)
            return ["input_ids", "labels", "starts"].map { object[$0]?.array?.compactMap(\.integer) ?? [] }
        }
        let plan = try #require(try StrictJSON.parse(Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/plan.json")))).object)
        let order = try #require(plan["order"]?.array)
        let rates = try #require(plan["rates"]?.array)
        var trainer = try Trainer(job)
        for (step, rate) in zip(order, rates) {
            let report = try #require(try trainer.finishStep())
            #expect(rate.number?.double == report.rate)
            let found = (step.array ?? []).map { micro in (micro.array ?? []).compactMap { $0.integer.map { rows[$0] } } }
            let drawn = try #require(trainer.work).batch.microBatches.map { micro in
                micro.rows.map { row in
                    [row.ids, row.labels, row.starts].map { $0.prefix(row.ids.count - row.padding).map(Int.init) }
                }
            }
            #expect(found == drawn)
        }
        #expect(order.count == 5 && trainer.state.cursor.epoch > 0)
        #expect(try PEFTAdapter(path: "\(folder)/adapter").tensors.count == job.parameters.count)
        #expect(FileManager.default.fileExists(atPath: "\(folder)/\(TRLFolder.script)"))
    }

    @Test(arguments: [["method": "qlora"], ["optimizer": "sgd"], ["denominator": "means"], ["lora-dropout": "0.1"], ["freeze": "0"]])
    func whatTheScriptCannotDoIsAnError(_ values: [String: String]) throws {
        let tiny = try Tiny()
        let job = try tiny.job(TrainingSettings(values.merging(["steps": "1"]) { $1 }))
        #expect(throws: SettingError.self) { try TRLFolder.write(job, to: "\(tiny.scratch.path)/trl") }
        #expect(!FileManager.default.fileExists(atPath: "\(tiny.scratch.path)/trl"))
    }
}
