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
        var sample = "fables-llama"
        /// The first loss where PyTorch's products add up in tiles (ONEDNN_MAX_CPU_ISA=AVX512_CORE_AMX), if it is another.
        var firstByTiles: Double?
        /// How far a loss may be from PyTorch's, the first and any other, as a part of it.
        var bounds = (1e-5, 1e-5)
        var testDescription: String { "\(settings["method"] ?? "") \(settings["precision"] ?? "") \(sample)" }
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
        // Forward and backward in 16 bits, weights and updates in fp32: the first loss of fp32 is 1.3e-3 from bf16's.
        Case(
            settings: ["method": "full", "lr": "0.001", "precision": "bf16"],
            losses: [21.876964569091797, 10.756072044372559, 7.5096330642700195, 6.182589769363403, 5.2191303968429565, 4.108832955360413],
            firstByTiles: 21.86412995437096, bounds: (3e-4, 2e-2)),
        Case(
            settings: ["method": "full", "lr": "0.001", "precision": "fp16"],
            losses: [21.850263595581055, 10.692564964294434, 7.490936040878296, 6.171800851821899, 5.266538977622986, 4.234263181686401],
            bounds: (2e-4, 1e-2)),
        // Under the cap on Gemma-2's logits.
        Case(
            settings: ["method": "full", "lr": "0.001", "heads": "2"], losses: [],
            heads: [
                [23.632184982299805, 21.368608474731445, 20.65762710571289], [13.98637866973877, 11.75310230255127, 12.170063972473145],
                [10.707571983337402, 8.82816219329834, 9.15610122680664], [9.262086868286133, 7.20794153213501, 7.0158281326293945],
                [7.39813756942749, 6.152848720550537, 5.681357383728027], [6.317293167114258, 4.894480228424072, 4.541069984436035],
            ], sample: "fables-gemma2"),
        Case(
            settings: ["method": "lora", "lr": "0.01", "rank": "2", "alpha": "4", "targets": "q_proj,v_proj", "heads": "2"], losses: [],
            heads: [
                [23.55083465576172, 21.236034393310547, 20.55816650390625], [21.192625045776367, 9.888102531433105, 9.732389450073242],
                [18.318788528442383, 5.287379741668701, 4.796385765075684], [15.689571380615234, 4.207174301147461, 3.271681785583496],
                [14.0313720703125, 2.9329512119293213, 2.3808915615081787], [12.864045143127441, 2.294712781906128, 1.8547396659851074],
            ], sample: "fables-gemma2"),
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
            model: Model(path: "\(samples)/\(test.sample)"), settings: TrainingSettings(common.merging(test.settings) { $1 }),
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
        for (number, (ours, theirs)) in zip(reports.map(\.loss) + reports.flatMap(\.heads), totals + parts).enumerated() {
            let bound = number == 0 ? test.bounds.0 : test.bounds.1
            let reference = number == 0 && Kernels.hasBF16Tile ? test.firstByTiles ?? theirs : theirs
            #expect(abs(ours - reference) <= bound * reference, "\(ours) \(reference)")
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
