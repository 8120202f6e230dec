/// What happens to the delimiters that a pattern finds (Hugging Face's `SplitDelimiterBehavior`).
enum SplitBehavior: String, CaseIterable, Sendable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// A stretch of text, and whether the pattern matched it.
    struct Stretch {
        var start: Int
        var end: Int
        var isMatch: Bool
    }

    /// The pieces that the stretches make; empty ones vanish.
    func pieces(_ stretches: [Stretch], into pieces: inout [Pieces.Piece]) {
        for stretch in joined(stretches) where stretch.end > stretch.start {
            pieces.append(Pieces.Piece(start: stretch.start, end: stretch.end))
        }
    }

    private func joined(_ stretches: [Stretch]) -> [Stretch] {
        switch self {
        case .isolated: stretches
        case .removed: stretches.filter { !$0.isMatch }
        case .contiguous: Self.joined(stretches) { $0.isMatch == $1.isMatch }
        case .mergedWithPrevious: Self.joined(stretches) { !$0.isMatch && $1.isMatch }
        case .mergedWithNext: Self.joined(stretches) { $0.isMatch && !$1.isMatch }
        }
    }

    /// Joins neighbours for which `together` holds.
    private static func joined(_ stretches: [Stretch], _ together: (Stretch, Stretch) -> Bool) -> [Stretch] {
        var result: [Stretch] = []
        var before: Stretch?
        for stretch in stretches {
            if let before, together(before, stretch), let last = result.indices.last {
                result[last].end = stretch.end
            } else {
                result.append(stretch)
            }
            before = stretch
        }
        return result
    }
}
