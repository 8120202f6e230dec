import Engine
import Models
import Tensors

extension Trainer {
    /// The mean loss of the validation file's tokens, with nothing dropped out.
    package func validationLoss() throws -> Double? {
        guard let data = job.validation else { return nil }
        var model = model
        model.adapter?.dropout = 0
        // What counts is the next token, also where more heads are trained.
        if case .future = model.objective { model.objective = .next }
        var settings = job.dataSettings
        settings.shuffle = false
        var loader = BatchLoader(data, settings)
        var (sum, count) = (0.0, 0)
        for _ in 0..<loader.stepsPerEpoch {
            guard let batch = loader.next() else { break }
            for row in batch.microBatches.flatMap(\.rows) {
                sum += try model.summedLoss(row, policy: job.policy)
                count += row.counted
            }
        }
        return count > 0 ? sum / Double(count) : nil
    }
}

extension Model {
    /// Σ of the losses of a row's tokens that count.
    func summedLoss(_ row: BatchRow, policy: Policy) throws -> Double {
        let count = row.ids.count - row.padding
        let program = try program(Pass(tokens: count, packed: row.documents > 1, share: true))
        let bindings = try bindings(
            program, ids: row.ids.prefix(count).map(Int.init),
            inputs: [
                "position_ids": Tensor(ids: quirked(positions: Array(row.positions.prefix(count)))),
                Pass.firstKeys: Tensor(ids: Array(row.starts.prefix(count))), Pass.batchTokens: Tensor(ids: [1], axis: .item),
            ].merging(row.targets(count, of: objective)) { $1 })
        var stepper = try Stepper(program, policy: policy, keep: .nothing, bindings: bindings)
        while !stepper.isFinished { try stepper.step() }
        guard let loss = program.id(of: "loss") else { return 0 }
        return try stepper.tensor(loss)?.value(at: [0]) ?? 0
    }
}
