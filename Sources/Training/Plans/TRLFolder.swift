import Checkpoints
import Foundation
import Models
import StrictJSON

/// A finetune as a folder for other machines: the same rows in the same order, rates, beginning and chat template, and a script for
/// torchrun that trains on them with transformers, PEFT and TRL.
package enum TRLFolder {
    package static let script = "train.py"

    /// Writes the folder, which must not be there yet.
    package static func write(_ job: TrainingJob, to folder: String) throws {
        try check(job)
        guard mkdir(folder, 0o777) == 0 else {
            throw RunError(folder, String(cString: strerror(errno)), next: "Give a folder that is not there yet.")
        }
        var rows = RowTable()
        let order = try steps(job).map { step in JSONValue.array(step.map { micro in .array(micro.rows.map { .integer(rows.place($0)) }) })
        }
        try text(rows.lines, to: "\(folder)/rows.jsonl")
        try text(plan(job, order).line + "\n", to: "\(folder)/plan.json")
        try text(TRLScript.text, to: "\(folder)/\(script)")
        if let template = job.model.tokenizer?.chatTemplate { try text(template, to: "\(folder)/chat_template.jinja") }
        guard job.settings.method.isAdapter else { return }
        guard mkdir("\(folder)/adapter", 0o777) == 0 else {
            throw RunError(folder, String(cString: strerror(errno)), next: "Give a folder that is not there yet.")
        }
        _ = try AdapterExport.write(job.model, parameters: job.parameters, settings: job.settings, to: "\(folder)/adapter")
    }

    /// What the script does not do is an error here, not another result there.
    private static func check(_ job: TrainingJob) throws(SettingError) {
        let settings = job.settings
        let wanted: [(Bool, String)] = [
            (settings.method == .full || settings.method == .lora, "--method full or lora"),
            (settings.heads == 0, "--heads 0"), (settings.optimizer == .adamw, "--optimizer adamw"),
            (job.model.quirks.isEmpty, "no --quirk"), (job.policy.rules.isEmpty, "--precision fp32"),
            (settings.denominator == .tokens, "--denominator tokens"),
            (settings.embeddingRatio == 0, "--embedding-ratio 0"), (settings.freeze.isEmpty, "no --freeze"),
            (settings.loraDropout == 0, "--lora-dropout 0, as other programs draw other numbers"),
        ]
        if let missing = wanted.first(where: { !$0.0 }) { throw SettingError(rule: "--plan trl needs \(missing.1)") }
    }

    private static func steps(_ job: TrainingJob) throws(SettingError) -> [[MicroBatch]] {
        var loader = BatchLoader(job.data, job.dataSettings)
        var steps: [[MicroBatch]] = []
        for _ in 0..<job.steps {
            guard let batch = loader.next() else { throw SettingError(rule: "the data has no rows") }
            steps.append(batch.microBatches)
        }
        return steps
    }

    private static func plan(_ job: TrainingJob, _ order: [JSONValue]) -> JSONValue {
        let settings = job.settings
        let rates = (0..<job.steps).map { JSONValue.real(job.schedule.rate(at: $0)) }
        return .object([
            ("model", .string(RunFolder.absolute(job.model.path))), ("seed", .integer(settings.seed)), ("steps", .integer(job.steps)),
            ("batch_size", .integer(settings.batchSize)), ("accumulation", .integer(settings.accumulation)),
            ("max_grad_norm", .real(settings.maxGradNorm)), ("beta1", .real(settings.beta1)), ("beta2", .real(settings.beta2)),
            ("eps", .real(settings.eps)), ("weight_decay", .real(settings.weightDecay)), ("rates", .array(rates)), ("order", .array(order)),
        ])
    }

    private static func text(_ text: String, to path: String) throws {
        try WholeFile.write(Array(text.utf8), to: path, as: URL(fileURLWithPath: path).lastPathComponent)
    }
}

/// Each row once, without its padding.
private struct RowTable {
    private(set) var lines = ""
    private var places: [[Int32]: Int] = [:]

    mutating func place(_ row: BatchRow) -> Int {
        let count = row.ids.count - row.padding
        let parts = [row.ids, row.labels, row.starts].map { Array($0.prefix(count)) }
        let key = Array(parts.joined())
        if let known = places[key] { return known }
        places[key] = places.count
        let members = zip(["input_ids", "labels", "starts"], parts).map { name, numbers in
            (name, JSONValue.array(numbers.map { .integer(Int($0)) }))
        }
        lines += JSONValue.object(members).line + "\n"
        return places.count - 1
    }
}
