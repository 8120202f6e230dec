/// One merge of one pre-token.
package struct MergeStep: Sendable, Equatable {
    /// The number of the merge in the file, from 0; lower ranks merge first.
    package let rank: Int32
    /// Which symbol before all merges the left part begins with.
    package let place: Int
    package let left: Int32
    package let right: Int32
    package let result: Int32
}

/// What became of one piece of a text: its symbols before the first merge, and the merges in the order they happened.
package struct PreTokenExplanation: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Cut out of the text as an added token before anything else.
        case addedToken
        /// Found whole in the vocabulary (`ignore_merges`).
        case wholeToken
        /// Merged from symbols.
        case merged
    }

    package let kind: Kind
    /// The piece as the model sees it: normalised, and with its spaces as bytes of the byte-level alphabet or as ▁.
    package let bytes: [UInt8]
    /// Before the first merge. Added and whole tokens have just themselves.
    package let symbols: [Int32]
    package let merges: [MergeStep]

    /// The symbols after the first `count` merges.
    package func symbols(after count: Int) -> [Int32] {
        var replay = MergeReplay(self)
        for _ in 0..<max(0, min(count, merges.count)) { _ = replay.next() }
        return replay.symbols
    }

    /// The ids that the piece is encoded as.
    package var ids: [Int32] { symbols(after: merges.count) }
}

/// Plays the merges of a piece one by one.
package struct MergeReplay: Sendable {
    private let merges: [MergeStep]
    /// The symbol that begins at each place, or -1 where one was merged into the symbol before it.
    private var places: [Int32]
    /// The place after the symbol that begins at each place.
    private var ends: [Int]
    /// How many merges were played.
    package private(set) var count = 0

    package init(_ piece: PreTokenExplanation) {
        merges = piece.merges
        places = piece.symbols
        ends = places.indices.map { $0 + 1 }
    }

    /// The symbols as they are now.
    package var symbols: [Int32] { places.filter { $0 >= 0 } }

    /// Plays the next merge and gives it; nil after the last.
    package mutating func next() -> MergeStep? {
        guard count < merges.count else { return nil }
        let step = merges[count]
        count += 1
        guard places.indices.contains(step.place), places.indices.contains(ends[step.place]) else { return step }
        let right = ends[step.place]
        places[step.place] = step.result
        places[right] = -1
        ends[step.place] = ends[right]
        return step
    }
}
