import Models
import Tokenizers

/// A data file as rows of tokens, in the order of the file.
package struct Dataset: Sendable {
    package let kind: DataKind
    package let items: [DataItem]
    package private(set) var report: DataReport
    /// The tokenizer's padding token, else its end token, else 0: what it is does not matter, as no token sees it and none is to predict it.
    package let paddingID: Int32

    /// Reads a `.txt` file (one stream of tokens, cut into blocks) or a `.jsonl` file, whose first row says what all rows are:
    /// `input_ids` with optional `labels`; `messages`; `prompt`, `chosen`, `rejected`; `prompt`, `completion`; or `text`.
    ///
    /// - Parameters:
    ///   - tokenizer: nil suffices for rows of ids.
    ///   - vocabulary: tokens that the model knows; ids beyond are errors.
    ///   - readings: what the model's quirks make of each text.
    package static func load(
        _ path: String, tokenizer: Tokenizer?, vocabulary: Int, settings: DataSettings, readings: [TokenReading] = []
    ) throws(DataError) -> Dataset {
        guard settings.sequenceLength >= 2 else {
            throw DataError(
                path, "a sequence length of \(settings.sequenceLength) leaves no token to predict", next: "Give one of 2 tokens or more.")
        }
        var collector = DataCollector(path, tokenizer, vocabulary, settings, readings)
        switch DataFile.suffix(path) {
        case "txt": try collector.readText()
        case "jsonl": try collector.readRows()
        default: throw DataError(path, "neither .txt nor .jsonl", next: "Give a text file, or one JSON object a line (.jsonl).")
        }
        var data = Dataset(try collector.finished())
        data.report.epoch = BatchLoader(data, settings).firstEpoch
        return data
    }

    init(_ collector: DataCollector) {
        kind = collector.report.kind
        items = collector.items
        report = collector.report
        let tokenizer = collector.tokenizer
        paddingID = tokenizer.flatMap { $0.padID ?? $0.eosID } ?? 0
    }
}
