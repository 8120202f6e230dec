import Engine
import Foundation
import Models
import Tensors
import Testing

@testable import Training

/// Losses of six steps against PyTorch and PEFT (Golden/make_losses.py, torch 2.15, transformers 5.23, peft 0.21.2).
struct LossTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let settings: [String: String]
        let losses: [Double]
        /// Of each head, where there are several.
        var heads: [[Double]] = []
        var testDescription: String { settings["method"] ?? "" }
    }

    static let cases = [
        Case(
            settings: ["method": "full", "lr": "0.001"],
            losses: [21.8486328125, 10.677105903625488, 7.492762088775635, 6.165582180023193, 5.261157989501953, 4.228574275970459]),
        Case(
            settings: ["method": "lora", "lr": "0.01", "rank": "2", "alpha": "4", "targets": "q_proj,v_proj"],
            losses: [21.837486267089844, 19.94681739807129, 15.957557678222656, 12.722311019897461, 11.449298858642578, 10.141210556030273]),
        Case(
            settings: ["method": "full", "lr": "0.001", "heads": "2"], losses: [],
            heads: [
                [21.8486328125, 20.312217712402344, 18.692798614501953], [10.679197311401367, 9.462841987609863, 9.101000785827637],
                [7.817842483520508, 7.10657262802124, 6.737675666809082], [6.896119117736816, 6.099113941192627, 5.795421600341797],
                [6.136912822723389, 5.279411792755127, 4.982903003692627], [5.490035533905029, 4.560522556304932, 4.423435688018799],
            ]),
        Case(
            settings: ["method": "lora", "lr": "0.01", "rank": "2", "alpha": "4", "targets": "q_proj,v_proj", "heads": "2"], losses: [],
            heads: [
                [21.837486267089844, 20.222740173339844, 18.600845336914062], [19.863252639770508, 9.014891624450684, 8.31429672241211],
                [17.093290328979492, 6.025987148284912, 5.500009059906006], [12.902158737182617, 4.882216453552246, 4.460067272186279],
                [10.832862854003906, 3.899193048477173, 3.387965202331543], [9.572253227233887, 2.7027504444122314, 2.59447979927063],
            ]),
    ]

    @Test(arguments: cases) func lossesEqualPyTorch(_ test: Case) throws {
        let common = [
            "steps": "6", "batch-size": "2", "shuffle": "off", "schedule": "constant", "beta1": "0.9", "beta2": "0.95", "eps": "1e-8",
            "weight-decay": "0.1", "max-grad-norm": "1",
        ]
        let scratch = try Scratch()
        let rows = (0..<2).map { r in
            "{\"input_ids\": [\((0..<18 - 5 * r).map { i in String((7 * i * i + 31 * i + 5 * r) % 2000) }.joined(separator: ", "))]}\n"
        }
        let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Samples").standardized.path
        let job = try TrainingJob(
            model: Model(path: "\(samples)/fables-llama"), settings: TrainingSettings(common.merging(test.settings) { $1 }),
            data: scratch.write(rows.joined(), to: "data.jsonl"), policy: Policy(threads: 2))
        var trainer = try Trainer(job)
        if job.settings.method.isAdapter {
            var model = trainer.model
            for parameter in job.parameters where Parameter.isAdapter(parameter.name) {
                model.replacements[parameter.name] = try LossTests.waves(parameter)
            }
            trainer = try Trainer(job, model: model, state: TrainingState())
        }
        var reports: [StepReport] = []
        while let report = try trainer.finishStep() { reports.append(report) }
        let (totals, parts) = (test.heads.isEmpty ? test.losses : test.heads.map { $0.reduce(0, +) }, test.heads.flatMap { $0 })
        for (ours, theirs) in zip(reports.map(\.loss) + reports.flatMap(\.heads), totals + parts) {
            #expect(abs(ours - theirs) <= 1e-5 * theirs, "\(ours) \(theirs)")
        }
        #expect(reports.count == 6 && totals.count == 6 && reports.flatMap(\.heads).count == parts.count)
    }

    /// An adapter that both programs can make.
    private static func waves(_ parameter: Parameter) throws -> Tensor {
        let isA = parameter.name.hasSuffix("lora_A.weight")
        return try Tensor(
            parameter.shape, (1...parameter.shape.elementCount).map { Float(isA ? 0.1 * sin(Double($0)) : 0.02 * cos(Double($0))) })
    }
}
