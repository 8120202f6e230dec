/// One sequence of a batch: a document, or several packed one after another, and padding. All arrays have one entry a token.
package struct BatchRow: Sendable, Equatable {
    package private(set) var ids: [Int32] = []
    /// Not shifted, −100 where a token does not count; see `Example.labels`.
    package private(set) var labels: [Int32] = []
    /// From 0 in each document.
    package private(set) var positions: [Int32] = []
    /// The first token that each may see: the start of its document. A token of padding sees itself alone.
    package private(set) var starts: [Int32] = []
    package private(set) var roles: [TokenRole] = []
    /// Lines of the file whose rows stand here, in order.
    package private(set) var lines: [Int] = []
    /// Documents in the row.
    package private(set) var documents = 0
    /// Tokens that were cut off behind the last one, because the file's row is longer than the sequence length.
    package private(set) var cut = 0

    package init() {}

    package init(_ example: Example) { append(example) }

    /// The labels as a loss over the logits needs them: entry t is the label of token t + 1, the last is −100.
    package var targets: [Int32] { labels.isEmpty ? [] : labels.dropFirst() + [maskedLabel] }
    /// Tokens that count: the row's share of the loss's denominator.
    package var counted: Int { roles.count { $0 == .counts } }
    package var padding: Int { roles.count { $0 == .padding } }

    /// Puts an example after what is there; its documents stay documents of their own.
    package mutating func append(_ example: Example) {
        let offset = ids.count
        var document = 0
        for (index, role) in example.roles.enumerated() {
            if document + 1 < example.documents.count, example.documents[document + 1] == index { document += 1 }
            let start = example.documents[document]
            positions.append(Int32(index - start))
            starts.append(Int32(offset + start))
            roles.append(role)
        }
        ids += example.ids
        labels += example.labels
        lines.append(example.line)
        documents += example.documents.count
        cut += example.cut
    }

    /// Fills the row up to `length` tokens.
    package mutating func pad(to length: Int, with id: Int32) {
        for index in ids.count..<max(ids.count, length) {
            ids.append(id)
            labels.append(maskedLabel)
            positions.append(0)
            starts.append(Int32(index))
            roles.append(.padding)
        }
    }
}

/// Rows that go through the model together, all of one length. In data with preferences the first half are the preferred answers, the
/// second half the others in the same order.
package struct MicroBatch: Sendable, Equatable {
    package let rows: [BatchRow]
    /// Pairs of answers; 0 in data without preferences.
    package let pairs: Int

    /// Pads the rows to the longest.
    package init(_ rows: [BatchRow], pairs: Int = 0, padding id: Int32) {
        let length = rows.map(\.ids.count).max() ?? 0
        self.rows = rows.map { row in
            var row = row
            row.pad(to: length, with: id)
            return row
        }
        self.pairs = pairs
    }

    /// Tokens of each row.
    package var length: Int { rows.first?.ids.count ?? 0 }
    package var counted: Int { rows.reduce(0) { $0 + $1.counted } }
    package var padding: Int { rows.reduce(0) { $0 + $1.padding } }
}

/// The data of one step of the optimizer.
package struct Batch: Sendable, Equatable {
    package let microBatches: [MicroBatch]
    package let epoch: Int

    /// The loss's denominator: tokens that count in the whole step. Means of micro-batches' means would weigh tokens unequally.
    package var counted: Int { microBatches.reduce(0) { $0 + $1.counted } }
    /// All tokens, padding included.
    package var tokens: Int { microBatches.reduce(0) { $0 + $1.length * $1.rows.count } }
}
