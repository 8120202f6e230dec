import Foundation
import Screen
import Training

/// Where the Train screen stands.
package struct TrainView: Sendable, Hashable {
    /// The selected row of the batch; in a walk it is the walk's.
    package var row = 0
    /// The selected token; nil: the first that counts.
    package var token: Int?
    /// Losses on a log axis.
    package var isLog = false
    /// How much of the mean loss stays at a step; 0 draws the losses alone.
    package var smoothing = 0.9
    /// The selected weight of those that are trained, and the number under the cursor in it: column and row.
    package var weight = 0
    package var cell = Point(0, 0)
    /// The newest that has come of each part.
    package var pictures: [TrainedQuestion.Part: TrainedPicture] = [:]

    /// The prompt that a walk took from the screens, until it is left.
    var promptText: String?

    package init() {}

    /// Of a new run: how things are drawn stays.
    init(keeping old: TrainView) { (isLog, smoothing, promptText) = (old.isLog, old.smoothing, old.promptText) }
}

/// A finetune that has not begun: what the form holds.
package struct FinetuneForm: Sendable, Hashable {
    package var data = ""
    package var out = ""
    package var log = ""
    /// The step to stand at; empty: none.
    package var until = ""
    /// Settings that are not as the catalogue has them, as they were written.
    package var values: [String: String] = [:]

    package init() {}

    /// What is no setting of training: where things come from and go to.
    package static let places: [(name: String, field: WritableKeyPath<FinetuneForm, String> & Sendable, help: String)] = [
        ("data", \.data, "The file to train on: .txt, or .jsonl rows with text, messages, prompt and completion, or input_ids."),
        ("out", \.out, "The new folder of the run; empty: one in the system's folder for temporary files."),
        ("log", \.log, "Where a line a step is logged; empty: log.jsonl in the run's folder."),
        ("until", \.until, "The step after which the run stands; empty: at its end."),
    ]

    /// Takes one value; the catalogue judges it.
    package mutating func set(_ name: String, _ text: String) throws(CommandError) {
        if let place = FinetuneForm.places.first(where: { $0.name == name }) {
            if name == "until", !text.isEmpty, Int(text) == nil { throw CommandError("until must be a step, is '\(text)'") }
            return self[keyPath: place.field] = text
        }
        guard let setting = Setting.find(name) else {
            throw CommandError("there is no setting '\(name)'; :finetune without a word lists them")
        }
        var settings = TrainingSettings()
        do throws(SettingError) { try setting.set(text, in: &settings) } catch {
            throw CommandError(error.rule.hasPrefix("--") ? String(error.rule.dropFirst(2)) : error.rule)
        }
        values[name] = text == setting.standard ? nil : text
    }

    package func value(_ name: String) -> String {
        FinetuneForm.places.first { $0.name == name }.map { self[keyPath: $0.field] } ?? values[name] ?? Setting.find(name)?.standard ?? ""
    }

    /// Where the run goes. Without a name, the first free one in the system's folder for temporary files.
    package var folder: String {
        guard out.isEmpty else { return out }
        let stem = URL(fileURLWithPath: data).deletingPathExtension().lastPathComponent
        let base = NSTemporaryDirectory() + "mica-\(stem)-\(value("method"))"
        for number in 1..<10_000 where !FileManager.default.fileExists(atPath: "\(base)-\(number)") { return "\(base)-\(number)" }
        return "\(base)-\(UUID().uuidString)"
    }

    package func settings() throws(SettingError) -> TrainingSettings {
        var settings = TrainingSettings()
        for setting in Setting.all {
            if let text = values[setting.name] { try setting.set(text, in: &settings) }
        }
        return settings
    }
}
