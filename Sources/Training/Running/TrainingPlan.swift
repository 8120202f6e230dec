import Engine
import Models
import Tensors

/// What a finetune will take, before it begins: memory by part, and operations.
package struct TrainingPlan: Sendable {
    package struct Part: Sendable, Equatable {
        package let name: String
        package let bytes: Int
    }

    /// In memory at once, at most.
    package let parts: [Part]
    /// Bytes of a row's values, for each choice of what is computed again.
    package let values: [(checkpointing: Checkpointing, bytes: Int)]
    package let trained: Int
    package let steps: Int
    /// Floating-point operations of a step.
    package let operations: Int

    package var bytes: Int { parts.reduce(0) { $0 + $1.bytes } }

    /// Counted on the longest row of the data.
    package init(_ job: TrainingJob) throws {
        var pass = Pass(tokens: max(2, job.data.items.map { $0.example.ids.count }.max() ?? 2), share: true)
        pass.fusedLoss = job.canFuse
        let trained = job.trained
        let program = try job.model.program(pass, leaves: { trained.contains($0.name) })
        let plan = MemoryPlan(program, job.settings.checkpointing, policy: job.policy) { name in
            (try? job.model.weight(name))?.byteCount ?? 0
        }
        values = Checkpointing.allCases.map { ($0, MemoryPlan(program, $0, policy: job.policy) { _ in 0 }.activations) }
        let count = job.parameters.reduce(0) { $0 + $1.shape.elementCount }
        let rows = min(job.dataSettings.rowsPerStep, max(1, job.data.items.count))
        let slots = UpdateRule(job.settings).slots.count
        let moment = job.settings.optimizer == .adamw8bit ? count + count / 64 : 4 * count
        parts = [
            Part(name: "weights as they lie in the file", bytes: plan.weights),
            // Adapters are in fp32 already.
            Part(name: "trained weights, fp32", bytes: job.settings.method.isAdapter ? 0 : 4 * count),
            Part(name: "gradients of a row", bytes: plan.gradients), Part(name: "gradients, summed", bytes: rows > 1 ? 4 * count : 0),
            Part(name: "moments", bytes: slots * moment),
            Part(name: "values of a row, --checkpointing \(job.settings.checkpointing)", bytes: plan.activations),
        ]
        self.trained = count
        steps = job.steps
        operations = (plan.forwardOperations + plan.backwardOperations) * rows
    }
}
