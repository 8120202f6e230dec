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
        var testDescription: String { settings["method"] ?? "" }
    }

    static let cases = [
        Case(
            settings: ["method": "full", "lr": "0.001"],
            losses: [21.8486328125, 10.677105903625488, 7.492762088775635, 6.165582180023193, 5.261157989501953, 4.228574275970459]),
        Case(
            settings: ["method": "lora", "lr": "0.01", "rank": "2", "alpha": "4", "targets": "q_proj,v_proj"],
            losses: [21.837486267089844, 19.94681739807129, 15.957557678222656, 12.722311019897461, 11.449298858642578, 10.141210556030273]),
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
            for parameter in job.parameters { model.replacements[parameter.name] = try LossTests.waves(parameter) }
            trainer = try Trainer(job, model: model, state: TrainingState())
        }
        for (ours, theirs) in zip(try trainer.losses(), test.losses) { #expect(abs(ours - theirs) <= 1e-5 * theirs, "\(ours) \(theirs)") }
        #expect(trainer.state.step == test.losses.count)
    }

    /// An adapter that both programs can make.
    private static func waves(_ parameter: Parameter) throws -> Tensor {
        let isA = parameter.name.hasSuffix("lora_A.weight")
        return try Tensor(
            parameter.shape, (1...parameter.shape.elementCount).map { Float(isA ? 0.1 * sin(Double($0)) : 0.02 * cos(Double($0))) })
    }
}
