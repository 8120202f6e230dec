import Models
import StrictJSON
import Tokenizers

/// Gathers the rows of one file, holding each to the sequence length and counting what happens to it.
struct DataCollector {
    let path: String
    let tokenizer: Tokenizer?
    let vocabulary: Int
    let settings: DataSettings
    let readings: [TokenReading]
    private(set) var items: [DataItem] = []
    var report: DataReport

    init(_ path: String, _ tokenizer: Tokenizer?, _ vocabulary: Int, _ settings: DataSettings, _ readings: [TokenReading]) {
        self.path = path
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary
        self.settings = settings
        self.readings = readings
        report = DataReport(file: path, kind: .blocks)
    }

    /// The tokenizer, for rows that are words.
    func words() throws(DataError) -> Tokenizer {
        if let tokenizer { return tokenizer }
        throw DataError(path, "the model has no tokenizer, and this file holds words", next: "Give rows with `input_ids`.")
    }

    /// The words of a text need nothing but valid UTF-8; NUL and other control characters are kept.
    mutating func readText() throws(DataError) {
        var file = try DataFile(path)
        let bytes = try UTF8Check.text(file.contents(), path)
        for block in try TextBlocks(words(), settings).blocks(of: bytes) { try add(DataItem(block)) }
    }

    mutating func readRows() throws(DataError) {
        var file = try DataFile(path)
        var reader: RowReader?
        while let bytes = try file.nextLine() {
            if bytes.allSatisfy(JSONError.isSpace) {
                report.blankLines += 1
                continue
            }
            let row = try DataRow(bytes, file: path, line: file.line)
            if reader == nil {
                let kind = try row.kind()
                report = report.renamed(kind)
                reader = try RowReader(kind, path, kind == .tokens ? nil : words(), vocabulary, settings)
            }
            if let item = try reader?.item(row, &report) { try add(item) }
        }
    }

    /// Takes an item, cut or left out where the settings say so.
    private mutating func add(_ read: DataItem) throws(DataError) {
        var item = read.read(by: readings)
        report.rows += 1
        report.longest = max(report.longest, item.length)
        try check(item)
        if item.length > settings.sequenceLength {
            if settings.tooLong == .skip { return report.skip(line: item.example.line) }
            report.truncated += 1
            let cut = item.prefix(settings.sequenceLength)
            report.truncatedTokens += item.tokens - cut.tokens
            item = cut
        }
        guard item.counts else { return report.mask(line: item.example.line) }
        report.use(item)
        items.append(item)
    }

    /// A tokenizer may know more tokens than the model.
    private func check(_ item: DataItem) throws(DataError) {
        for id in item.example.ids + (item.rejected?.ids ?? []) where id < 0 || Int(id) >= vocabulary {
            throw DataError(
                path, line: item.example.line, "token id \(id) is outside the vocabulary of \(vocabulary) (0…\(vocabulary - 1))",
                next: "Was the file made for another model?")
        }
    }

    func finished() throws(DataError) -> DataCollector {
        if !items.isEmpty { return self }
        let why =
            report.rows == 0
            ? "the file has no rows" : "\(report.skipped) rows are too long, \(report.masked) have no token that counts"
        let remedy =
            report.skipped > 0
            ? "Give a longer sequence length (now \(settings.sequenceLength)), or let rows be cut." : "Give rows to learn from."
        throw DataError(path, "no examples: \(why)", next: remedy)
    }
}

extension DataItem {
    var tokens: Int { example.ids.count + (rejected?.ids.count ?? 0) }
}

/// Bytes of a text file as text: UTF-8, line ends LF.
enum UTF8Check {
    static func text(_ bytes: [UInt8], _ path: String) throws(DataError) -> [UInt8] {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            throw DataError(path, line: 1, "starts with a byte-order mark", next: "Save the file as plain UTF-8.")
        }
        try check(bytes, path, line: 1)
        guard bytes.contains(UInt8(ascii: "\r")) else { return bytes }
        return bytes.indices.compactMap { index in
            let isLineEnd = bytes[index] == UInt8(ascii: "\r") && index + 1 < bytes.count && bytes[index + 1] == UInt8(ascii: "\n")
            return isLineEnd ? nil : bytes[index]
        }
    }

    /// Throws the line of the first byte that is not UTF-8; `line` is that of the first byte.
    static func check(_ bytes: [UInt8], _ path: String, line: Int) throws(DataError) {
        guard String(validating: bytes, as: UTF8.self) == nil else { return }
        var number = line
        for part in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: part, as: UTF8.self) == nil { break }
            number += 1
        }
        throw DataError(path, line: number, "invalid UTF-8", next: "Save the file as UTF-8.")
    }
}
