import Engine
import Foundation
import Models
import Tensors
import Testing

@testable import Training

/// The reward model: closed forms, and six steps as PyTorch and PEFT have them (Golden/make_reward.py).
struct RewardTests {
    private static let pairs = """
        {"prompt": "Tom met a fox.", "chosen": " He gave it bread.", "rejected": " He was rude to it and left."}
        {"prompt": "Mia lost a ring.", "chosen": " Ann found it and brought it back.", "rejected": " No."}

        """
    private static let samples = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../Samples")
        .standardized.path

    private func job(_ scratch: Scratch, _ values: [String: String]) throws -> TrainingJob {
        let common = ["method": "reward", "batch-size": "2", "shuffle": "off", "schedule": "constant", "rank": "2", "alpha": "4"]
        return try TrainingJob(
            model: Model(path: "\(RewardTests.samples)/fables-llama"), settings: TrainingSettings(common.merging(values) { $1 }),
            data: scratch.write(RewardTests.pairs, to: "pairs.jsonl"), policy: Policy(threads: 2))
    }

    /// Every text begins with the reward 0: the loss is softplus(margin), which is log 2 where none is asked for.
    @Test(arguments: [0, 0.5, 3]) func beginsAtTheClosedForm(_ margin: Double) throws {
        let scratch = try Scratch()
        var trainer = try Trainer(job(scratch, ["steps": "1", "reward-margin": "\(margin)"]))
        let report = try #require(try trainer.finishStep())
        #expect(abs(report.loss - log1p(exp(margin))) < 1e-15)
        #expect(report.preference?.margin == 0 && report.preference?.accuracy == 0)
    }

    static let losses = [
        0.9668440222740173, 0.7667348384857178, 0.6043757200241089, 0.276907354593277, 0.09806562960147858, 0.020782768726348877,
    ]
    static let margins = [
        0.011742830276489258, 0.3578709065914154, 0.6864116191864014, 1.6437108516693115, 2.7731919288635254, 4.388220310211182,
    ]

    @Test func lossesAndMarginsEqualPyTorch() throws {
        let scratch = try Scratch()
        let job = try job(scratch, ["steps": "6", "lr": "0.01", "targets": "q_proj,v_proj", "reward-margin": "0.5"])
        var model = job.model
        for parameter in job.parameters {
            let isB = parameter.name.hasSuffix("lora_B.weight")
            model.replacements[parameter.name] = try Tensor(
                parameter.shape, (1...parameter.shape.elementCount).map { Float(isB ? 0.02 * cos(Double($0)) : 0.1 * sin(Double($0))) })
        }
        #expect(job.parameters.contains { $0.name == Objective.score })
        var trainer = try Trainer(job, model: model, state: TrainingState())
        for (loss, margin) in zip(RewardTests.losses, RewardTests.margins) {
            let report = try #require(try trainer.finishStep())
            let found = try #require(report.preference)
            #expect(abs(report.loss - loss) <= 2e-5 * loss && abs(found.margin - margin) <= 2e-5 * margin, "\(report)")
            #expect(found.accuracy == (margin > 2 ? 1 : found.accuracy))
        }
        #expect(trainer.state.step == 6)
    }

    /// A run that is resumed has the bits of one that was not, and its adapter says what it is.
    @Test func resumesToTheSameBits() throws {
        let scratch = try Scratch()
        let data = try scratch.write(RewardTests.pairs, to: "pairs.jsonl")
        let plan = TrainingRun.Plan(
            model: "\(RewardTests.samples)/fables-llama", data: data,
            settings: try TrainingSettings(["method": "reward", "batch-size": "1", "steps": "3", "rank": "2", "lr": "0.01"]))
        var whole = try TrainingRun.new(plan, in: "\(scratch.path)/whole", policy: Policy(threads: 1))
        while try whole.finishStep() != nil {}
        var first = try TrainingRun.new(plan, in: "\(scratch.path)/parts", policy: Policy(threads: 1))
        _ = try first.finishStep()
        try first.save()
        let config = try String(contentsOfFile: "\(scratch.path)/parts/step-1/adapter_config.json", encoding: .utf8)
        #expect(config.contains("SEQ_CLS") && config.contains("\"score\""))
        var second = try TrainingRun.resuming("\(scratch.path)/parts", policy: Policy(threads: 1))
        while try second.finishStep() != nil {}
        #expect(try second.trainer.bits() == whole.trainer.bits())
    }
}
