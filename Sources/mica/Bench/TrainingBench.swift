import Engine
import Foundation
import Models
import Tensors
import Training

/// A finetune whose steps are timed: one row of arbitrary tokens a step, AdamW, adapters of rank 16 on every linear layer.
struct TrainingBench {
    private var trainer: Trainer

    init(model: Model, ids: [Int], policy: Policy) throws {
        let data = FileManager.default.temporaryDirectory.appendingPathComponent("mica-bench-\(UUID().uuidString).jsonl")
        defer { try? FileManager.default.removeItem(at: data) }
        try Data("{\"input_ids\": \(ids)}\n".utf8).write(to: data)
        let settings = TrainingBench.settings(ids.count, policy)
        trainer = try Trainer(TrainingJob(model: model, settings: settings, data: data.path, policy: policy))
    }

    private static func settings(_ tokens: Int, _ policy: Policy) -> TrainingSettings {
        var settings = TrainingSettings()
        settings.precision = policy.written
        (settings.method, settings.rank, settings.alpha, settings.lr) = (.lora, 16, 16, 1e-4)
        (settings.schedule, settings.weightDecay, settings.maxGradNorm) = (.constant, 0.01, 0)
        settings.checkpointing = .light
        (settings.batchSize, settings.sequenceLength, settings.steps, settings.shuffle) = (1, tokens, 1_000_000, false)
        return settings
    }

    /// Seconds of one step: batch, forward, backward, update.
    mutating func step() throws -> Double {
        let start = ContinuousClock.now
        var interrupt: (any Error)?
        _ = try trainer.finishStep {
            do { try Interrupt.check() } catch { interrupt = error }
            return interrupt != nil
        }
        if let interrupt { throw interrupt }
        return (ContinuousClock.now - start).seconds
    }

    /// Floating-point operations of a pass.
    func passOperations() throws -> Int { try TrainingPlan(trainer.job).operations }
}
