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
        var current = symbols.map { Optional($0) }
        for step in merges.prefix(max(0, count)) {
            guard current.indices.contains(step.place) else { continue }
            current[step.place] = step.result
            let right = current[(step.place + 1)...].firstIndex { $0 != nil }
            if let right { current[right] = nil }
        }
        return current.compactMap { $0 }
    }

    /// The ids that the piece is encoded as.
    package var ids: [Int32] { symbols(after: merges.count) }
}
