import Models

/// One row of a data file as tokens. All arrays have one entry a token.
package struct Example: Sendable, Equatable {
    package let ids: [Int32]
    /// Whether each token counts, and why not.
    package let roles: [TokenRole]
    /// What each counting token has to be predicted as, else −100. Not shifted: entry t stands at the token itself, which is predicted
    /// from the logits of token t − 1.
    package let labels: [Int32]
    /// Where documents begin, ascending; the first is 0. Several only in blocks of a text file that are told apart by `packing`.
    package let documents: [Int]
    /// Where the row stands in its file, from 1; for a block of a text file, its number.
    package let line: Int
    /// Tokens of the file's row that were cut off behind these.
    package private(set) var cut = 0

    /// `labels` are the ids themselves unless given; the first token of each document never counts, and `roles` masks labels.
    package init(ids: [Int32], roles: [TokenRole], labels: [Int32]? = nil, documents: [Int] = [0], line: Int) {
        var roles = roles
        var labels = labels ?? ids
        for start in documents where start < ids.count { roles[start] = .boundary }
        for index in ids.indices where roles[index] != .counts { labels[index] = maskedLabel }
        self.ids = ids
        self.roles = roles
        self.labels = labels
        self.documents = documents
        self.line = line
    }

    /// Tokens that count.
    package var counted: Int { roles.count { $0 == .counts } }

    /// As a model reads it whose quirks are on, each document by itself. What stands beside the text does not count.
    func read(by readings: [TokenReading]) -> Example { readings.reduce(self) { $0.read(by: $1) } }

    private func read(by reading: TokenReading) -> Example {
        var (tokens, starts): ([(id: Int32, place: Int?)], [Int]) = ([], [])
        for (start, end) in zip(documents, documents.dropFirst() + [ids.count]) {
            starts.append(tokens.count)
            for token in reading(ids[start..<end].map(Int.init)) {
                switch token {
                case .place(let place): tokens.append((ids[start + place], start + place))
                case .added(let id): tokens.append((Int32(id), nil))
                }
            }
        }
        // What stood first in its document and no longer does is not counted either.
        let roles = tokens.map { token in token.place.map { self.roles[$0] == .boundary ? .template : self.roles[$0] } ?? .template }
        return Example(
            ids: tokens.map(\.id), roles: roles, labels: tokens.map { $0.place.map { labels[$0] } ?? maskedLabel }, documents: starts,
            line: line)
    }

    /// The first `length` tokens.
    package func prefix(_ length: Int) -> Example {
        var short = Example(
            ids: Array(ids.prefix(length)), roles: Array(roles.prefix(length)), labels: Array(labels.prefix(length)),
            documents: documents.filter { $0 < length }, line: line)
        short.cut = cut + max(ids.count - length, 0)
        return short
    }
}

/// What one row of a data file gives: an example, or two answers to one prompt of which the first is preferred.
package struct DataItem: Sendable, Equatable {
    package let example: Example
    /// The answer that is not preferred; nil in data without preferences.
    package let rejected: Example?

    package init(_ example: Example, rejected: Example? = nil) {
        self.example = example
        self.rejected = rejected
    }

    var length: Int { max(example.ids.count, rejected?.ids.count ?? 0) }
    /// Whether every part of it has a token that counts.
    var counts: Bool { example.counted > 0 && rejected.map { $0.counted > 0 } != false }

    func read(by readings: [TokenReading]) -> DataItem {
        readings.isEmpty ? self : DataItem(example.read(by: readings), rejected: rejected?.read(by: readings))
    }

    func prefix(_ length: Int) -> DataItem { DataItem(example.prefix(length), rejected: rejected?.prefix(length)) }
}
