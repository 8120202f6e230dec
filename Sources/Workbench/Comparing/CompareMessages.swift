import Engine
import Tensors

/// What the screen asks about comparisons.
package enum ComparisonCommand: Sendable {
    /// The base with this difference.
    case against(CompareVariant)
    /// The present run becomes the one that others are held against, or, if there is one of the same text, another line.
    case pin(name: String?)
    /// Takes a line away, or all and the base.
    case drop(Int?)
    case tolerance(Double?)
}

/// Comparisons as the screen knows them.
package struct CompareState: Sendable {
    package struct Line: Sendable {
        /// Never given again, so that an answer about it stays true.
        package let number: Int
        package let name: String
        package let comparison: Comparison
        /// How many values there are to measure.
        package let total: Int
        package let isRunning: Bool
        /// Noise or bug, value by value, once all is measured; and whether that goes on.
        package let verdicts: Verdicts
        package let isJudging: Bool
        /// What brings it back in a script; nil for a run that was pinned.
        package let words: [String]?
        /// The row of each value by its name, and the row that is shown where none was chosen: found once, since every pane of every frame
        /// asks for them.
        let places: [String: Int]
        let first: Int
    }

    /// How many lines a plot holds.
    package static let most = 6

    /// What the lines are held against; empty: nothing yet.
    package var base = ""
    package var isPinned = false
    package var lines: [Line] = []
    package var tolerance = Tolerance()
    /// How many values the stream has: the embedding and the layers.
    package var streamCount = 0

    package init() {}
}

/// What the Compare screen asks about a value that was measured.
package enum CompareQuestion: Hashable, Sendable {
    /// One plane on both sides, and their difference.
    case pictures(line: Int, value: String, leading: Int, rows: Int, columns: Int)
    case element(line: Int, value: String, index: [Int])
    /// The value's op on B's inputs again and again, otherwise rounded.
    case spread(line: Int, value: String, samples: Int)
}

package enum CompareAnswer: Sendable {
    case pictures(ComparedPictures)
    case element(ComparedElement)
    /// Nil where nothing is rounded, or an input is not known.
    case spread(RoundingSpread?)
}

/// A, B and A − B.
package struct ComparedPictures: Sendable {
    package let sides: [Pooled]
    package let difference: Pooled
    /// The largest finite magnitude of both sides, and of the difference.
    package let largest: Double
    package let largestDifference: Double
}
