import Tensors

/// A run against another, value by value in running order.
package struct Comparison: Sendable {
    package internal(set) var rows: [ValueDifference] = []
    /// Values that one side alone has, in its own order.
    package let onlyHere: [String]
    package let onlyThere: [String]
    /// Of the distributions over the next token; nil where a side has no logits, or for another vocabulary.
    package internal(set) var divergence: Divergence?
    /// Places in `rows` of the stream after the embedding and after each layer.
    package internal(set) var stream: [Int] = []

    init(onlyHere: [String], onlyThere: [String]) { (self.onlyHere, self.onlyThere) = (onlyHere, onlyThere) }

    /// The place of the first value that is further apart than it may be.
    package var firstBeyond: Int? { rows.firstIndex(where: \.isBeyond) }

    /// Whether everything compared is the same, bit for bit.
    package var isIdentical: Bool { rows.allSatisfy(\.isIdentical) }
}
