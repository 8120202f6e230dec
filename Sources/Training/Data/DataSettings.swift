/// How a data file becomes rows of tokens, and rows become batches.
package struct DataSettings: Sendable, Equatable {
    /// Which words of a conversation count in the loss.
    package enum Loss: String, Sendable, CaseIterable {
        /// What the assistant says, with the token that ends its turn.
        case assistant
        /// Every token.
        case all
    }

    /// What happens to a row with more tokens than `sequenceLength`. It is counted and reported either way.
    package enum TooLong: String, Sendable, CaseIterable {
        case skip
        /// The first `sequenceLength` tokens stay.
        case truncate
    }

    /// Tokens of a row at most; the caller keeps it within the model's context.
    package var sequenceLength: Int
    package var loss = Loss.assistant
    package var tooLong = TooLong.skip
    /// Several documents in one row; attention does not cross from one to the next, and positions restart.
    package var packing = false
    /// Rows of a micro-batch (pairs, in data with preferences).
    package var batchSize = 4
    /// Micro-batches of a step.
    package var accumulation = 1
    /// A new order in each epoch; otherwise that of the file, again and again.
    package var shuffle = true
    package var seed: UInt64 = 0

    package init(sequenceLength: Int) { self.sequenceLength = sequenceLength }

    /// Rows of a step.
    package var rowsPerStep: Int { max(1, batchSize) * max(1, accumulation) }
}
