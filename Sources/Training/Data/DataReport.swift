/// What came out of a data file, and what did not: the counts that a screen shows before anything is trained.
package struct DataReport: Sendable, Equatable {
    package let file: String
    package let kind: DataKind
    /// Rows of the file, or blocks of a text.
    package internal(set) var rows = 0
    package internal(set) var blankLines = 0
    /// Rows that are used.
    package internal(set) var examples = 0
    /// Tokens of the used rows by role, both answers of a pair together.
    package internal(set) var tokens: [TokenRole: Int] = [:]
    /// Rows longer than the sequence length: left out, or cut.
    package internal(set) var skipped = 0
    package internal(set) var truncated = 0
    package internal(set) var truncatedTokens = 0
    /// The longest row, used or not.
    package internal(set) var longest = 0
    /// Rows without any token that counts: left out, as they teach nothing.
    package internal(set) var masked = 0
    /// Lines of the first few of these.
    package internal(set) var skippedLines: [Int] = []
    package internal(set) var maskedLines: [Int] = []
    /// Texts that begin with the beginning token already, which is not put before them once more.
    package internal(set) var ownBeginning = 0

    package internal(set) var epoch = Epoch()

    private static let linesKept = 5

    /// What becomes of the used rows in the first epoch: packed into rows of a batch, and padded to the longest of their micro-batch.
    package struct Epoch: Sendable, Equatable {
        package private(set) var rows = 0
        /// Rows with more than one document, and the documents in them.
        package private(set) var packed = 0
        package private(set) var packedDocuments = 0
        package private(set) var padded = 0
        package private(set) var paddingTokens = 0

        /// Rows that go through the model together.
        mutating func take(_ together: [BatchRow]) {
            let length = together.map(\.ids.count).max() ?? 0
            for row in together {
                rows += 1
                if row.documents > 1 { (packed, packedDocuments) = (packed + 1, packedDocuments + row.documents) }
                if row.ids.count < length { (padded, paddingTokens) = (padded + 1, paddingTokens + length - row.ids.count) }
            }
        }
    }

    init(file: String, kind: DataKind) {
        self.file = file
        self.kind = kind
    }

    func renamed(_ kind: DataKind) -> DataReport {
        var report = DataReport(file: file, kind: kind)
        report.blankLines = blankLines
        return report
    }

    package var tokenCount: Int { tokens.values.reduce(0, +) }
    /// Tokens of the loss in an epoch.
    package var counted: Int { tokens[.counts] ?? 0 }

    mutating func use(_ item: DataItem) {
        examples += 1
        for role in item.example.roles + (item.rejected?.roles ?? []) { tokens[role, default: 0] += 1 }
    }

    mutating func skip(line: Int) {
        skipped += 1
        if skippedLines.count < Self.linesKept { skippedLines.append(line) }
    }

    mutating func mask(line: Int) {
        masked += 1
        if maskedLines.count < Self.linesKept { maskedLines.append(line) }
    }

    /// A sentence each, for a screen or a log.
    package func sentences(sequenceLength: Int) -> [String] {
        var lines = ["\(file): \(examples) of \(rows) \(kind.rows) used, \(tokenCount) tokens, \(counted) count in the loss"]
        let others = TokenRole.allCases.filter { $0 != .counts && tokens[$0] != nil }
        if !others.isEmpty { lines.append("do not count: " + others.map { "\(tokens[$0] ?? 0) \($0.name)" }.joined(separator: ", ")) }
        if skipped > 0 {
            lines.append(
                "\(skipped) longer than \(sequenceLength) tokens left out (longest \(longest); \(Self.shown(skippedLines, of: skipped)))")
        }
        if truncated > 0 {
            lines.append("\(truncated) longer than \(sequenceLength) tokens cut, \(truncatedTokens) tokens lost (longest \(longest))")
        }
        if epoch.packed > 0 { lines.append("\(epoch.packed) of \(epoch.rows) rows are packed, with \(epoch.packedDocuments) documents") }
        if epoch.padded > 0 {
            lines.append("\(epoch.padded) of \(epoch.rows) rows are padded in the first epoch, by \(epoch.paddingTokens) tokens")
        }
        if masked > 0 { lines.append("\(masked) without any token that counts left out (\(Self.shown(maskedLines, of: masked)))") }
        if ownBeginning > 0 { lines.append("\(ownBeginning) begin with the beginning token themselves; it is not doubled") }
        if blankLines > 0 { lines.append("\(blankLines) blank lines skipped") }
        return lines
    }

    private static func shown(_ lines: [Int], of count: Int) -> String {
        (lines.count == 1 ? "line " : "lines ") + lines.map(String.init).joined(separator: ", ") + (count > lines.count ? ", …" : "")
    }
}

/// What the rows of a data file are.
package enum DataKind: String, Sendable, CaseIterable {
    /// A text file, cut into blocks.
    case blocks
    case text, messages, completion, tokens, preference

    /// The rows of such a file in a sentence.
    package var rows: String {
        switch self {
        case .blocks: "blocks"
        case .text: "texts"
        case .messages: "conversations"
        case .completion: "prompts with completions"
        case .tokens: "rows of ids"
        case .preference: "pairs of answers"
        }
    }
}
