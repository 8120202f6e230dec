import Engine
import Foundation
import Models
import Tensors
import Training

/// What a finetune would take, as `mica finetune --plan` says it.
enum FinetunePlan {
    private static func job(_ model: String, _ data: String, _ settings: TrainingSettings, _ threads: Int) throws -> TrainingJob {
        try TrainingJob(model: Model(path: model), settings: settings.readingPolicy(), data: data, policy: Policy(threads: threads))
    }

    /// The run as a folder for transformers, PEFT and TRL.
    static func write(_ model: String, _ data: String, _ settings: TrainingSettings, _ threads: Int, to folder: String) throws {
        try TRLFolder.write(job(model, data, settings, threads), to: folder)
        Console.note(
            "\(folder) is complete; there, with torch, transformers, peft and trl: torchrun --nproc-per-node 1 \(TRLFolder.script)")
    }

    /// - Parameters:
    ///   - rate: operations a second in units of 10⁹ of another machine, instead of this one's measured.
    ///   - memory: of another machine, in GiB.
    static func print(
        _ model: String, _ data: String, _ settings: TrainingSettings, _ threads: Int, rate: Double?, memory: Double?
    ) throws {
        let job = try job(model, data, settings, threads)
        let plan = try TrainingPlan(job)
        var table = TextTable(header: ["memory", "MiB"], rightAligned: [1])
        for part in plan.parts { table.add([part.name, mebibytes(part.bytes)]) }
        table.add(["together", mebibytes(plan.bytes)])
        Console.print(table.text)
        let choices = plan.values.map { "\($0.checkpointing) \(mebibytes($0.bytes))" }
        Console.print("values of a row in MiB by what is computed again: \(choices.joined(separator: ", "))")
        if let memory {
            let share = Double(plan.bytes) / (memory * 1_073_741_824)
            Console.print("\(share <= 1 ? "fits" : "does not fit") in \(memory) GiB: \(String(format: "%.1f", share * 100)) % of it")
        }
        let speed = try rate.map { $0 * 1e9 } ?? measured(threads)
        let seconds = Double(plan.operations) / speed
        Console.print(
            "\(plan.trained) trained weights, \(plan.steps) steps of \(plan.operations / 1_000_000) million operations: at least "
                + "\(rounded(seconds)) s a step, \(rounded(seconds * Double(plan.steps))) s in all at \(Int(speed / 1e9)) × 10⁹ operations a second"
                + (rate == nil ? ", which a matrix product reaches here" : ""))
    }

    private static func mebibytes(_ bytes: Int) -> String { String(format: "%.1f", Double(bytes) / 1_048_576) }
    private static func rounded(_ seconds: Double) -> String { String(format: seconds < 10 ? "%.2f" : "%.0f", seconds) }

    /// Operations a second of a product of the size of a layer's.
    private static func measured(_ threads: Int) throws -> Double {
        let (rows, width) = (512, 1024)
        let x = try Tensor(Shape((.token, rows), (.feature, width))) { $0.update(repeating: 0.5) }
        let w = try Tensor(Shape((.output, width), (.input, width))) { $0.update(repeating: 0.25) }
        var best = Double.infinity
        for _ in 0..<4 {
            let start = ContinuousClock.now
            _ = try Kernels.matmul(x, w, bias: nil, transposed: false, shape: x.shape, threads: threads)
            best = min(best, (ContinuousClock.now - start).seconds)
        }
        return Double(2 * rows * width * width) / best
    }
}
